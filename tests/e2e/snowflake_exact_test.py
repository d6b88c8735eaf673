"""snowflake_exporter's collectors with a fake account in which 30 days pass: each counter is what happened,
and no day costs more than its cap."""

import collections
import dataclasses
import random
import threading
import time
import unittest
from decimal import Decimal

import support
from snowflake_client import DAY, HOUR, MINUTE, ROLE, WAREHOUSE
from snowflake_fake import answers, truth
from snowflake_fake.account import Account
from snowflake_fake.catalog import COUNTERS
from snowflake_fake.life import WORKLOADS, Life
from snowflake_fake.objects import HOSTILE
from snowflake_sums import ADDS, BOUNDS, added, series
from snowflake_time import Clock, Driver, Lively, one_user, write_config

DAYS, STEP = 30, 45 * MINUTE // 2  # a cycle is 45 minutes
SETTLED = 4 * DAY  # after which no view changes any more
CAP = 0.5  # credits a day: less than a cycle of 45 minutes would use
OUTAGE = (6.2, 6.4)  # days


class Model:
    """The expected counters of a statement: sums of rows by bucket, of which the highest is shown."""

    def __init__(self, statement):
        self.statement, self.low = statement, None
        self.buckets = {}  # by start of the bucket: what it adds to each series
        self.sums, self.peaks = collections.Counter(), {}
        self.since = {}  # the time from which a value of a key is shown; all values are, because they are few

    def take(self, read):
        """Applies a committed read: it replaces the rows in its window."""
        self.low = read.low if self.low is None else self.low
        for row in read.rows:
            if row.get("L_VALUE") and row["V_CREDITS"]:
                self.since.setdefault((row["L_KEY"], row["L_VALUE"]), read.high)
        for bucket in [each for each in self.buckets if read.low <= each < read.high]:
            self.sums.subtract(self.buckets.pop(bucket))
        for row in read.rows:
            one = self.added(row)
            self.buckets.setdefault(row["B"], collections.Counter()).update(one)
            self.sums.update(one)
        for name, value in self.sums.items():
            self.peaks[name] = max(self.peaks.get(name, Decimal(0)), value)

    def added(self, row):
        """What happened before a value was known counts as `other`."""
        if row.get("L_VALUE") and self.since[row["L_KEY"], row["L_VALUE"]] > row["B"]:
            row = row | {"L_VALUE": "other"}
        return added(self.statement, row)


class Read:
    """An answer to a statement."""

    def __init__(self, text, now, table):
        request = answers.read_request(text, now)
        names = [column.name for column in table.columns]
        self.now, self.low, self.high = now, request.low, request.high
        self.rows = [dict(zip(names, row)) for row in table.rows]


class Noting(Lively):
    """Keeps its answers."""

    def __init__(self, *arguments):
        self.reads, self.at_answer = [], None
        super().__init__(*arguments)

    def note(self, name, text, now):
        table = super().note(name, text, now)
        self.reads.append((name, Read(text, now, table)))
        if self.at_answer:
            self.at_answer()
        return table


class Exact(unittest.TestCase):
    maxDiff = 4000
    SEED = 7
    # One fault of each kind, for one request, in different cycles.
    FAULTS = ({"fault": "status", "status": 503, "count": 1}, {"fault": "status", "status": 500, "count": 3},
              {"fault": "status", "status": 429, "retry_after": 0, "count": 1}, {"fault": "lost", "count": 1},
              {"fault": "cut", "count": 1}, {"fault": "not_json", "count": 1},
              {"fault": "wrong_types", "count": 1}, {"fault": "timeout", "count": 1},
              {"fault": "error", "code": "000603", "message": "SQL execution internal error", "count": 1},
              {"fault": "incomplete", "count": 1}, {"fault": "running", "polls": 2, "count": 1},
              {"fault": "expired", "count": 1})

    def setUp(self):
        self.folder = self.enterContext(support.folder())
        self.dice = random.Random(self.SEED)
        # A ledger counts from its creation, by this machine's clock.
        self.start = (time.time() // DAY + 10) * DAY + 5 * MINUTE
        self.clock = Clock(self.folder / "clock", self.start)
        self.account = Account(self.start - DAY, past=DAY, is_alive=False)
        self.live()
        self.fake = self.enterContext(Noting(self.account, self.clock, one_user(), self.SEED))
        config = write_config(self.folder / "snowflake.yml", self.fake, credits_per_day=CAP, statement_timeout="5s",
                              query_tag_keys="[team]")
        self.arguments = (config, self.folder / "state", self.folder / "clock", "queries", "cost", "query_tags")
        self.driver = Driver(*self.arguments)
        self.addCleanup(lambda: self.driver.end())
        self.models = {name: Model(name) for name in ADDS}
        self.read_up_to, self.failures, self.kills = {}, collections.Counter(), 0

    def live(self):
        account = self.account
        life = Life(account)
        for number, workload in enumerate(WORKLOADS):
            account.at(account.now + 1 + 7 * number, life.work, workload._replace(every=2 * workload.every))
        account.every(47 * MINUTE, self.correct)
        account.advance(self.start)

    def correct(self, now):
        """Corrects statements of the last hours: they failed, or cost more or less."""
        rows = [row for row in self.account.usage.rows["QUERY_HISTORY"][-40:]
                if now - 3 * HOUR < row.time < now and row.versions[-1][1].get("WAREHOUSE_NAME") != WAREHOUSE]
        for row in self.dice.sample(rows, min(2, len(rows))):
            last = row.versions[-1][1]
            row.correct(max(now, row.versions[-1][0]) + self.dice.uniform(60, HOUR), **self.dice.choice((
                {"EXECUTION_STATUS": "INCIDENT"},
                {"TOTAL_ELAPSED_TIME": last["TOTAL_ELAPSED_TIME"] // 3},
                {"WAREHOUSE_NAME": "LOAD_WH"},
                {"CREDITS_USED_CLOUD_SERVICES": Decimal("0.0123")})))

    # A cycle

    def kill(self):
        self.driver.child.kill()
        self.kills += 1

    def collect(self, killed=False):
        """Runs the collectors, applies what they read to the models, and compares their cost."""
        if killed:
            self.kill_some_time()
        found = self.driver.collect()
        if killed:
            self.fake.at_answer = None
            self.timer.join()
        if found is None:
            self.driver.end()
            self.driver = Driver(*self.arguments)
            found = self.driver.collect()  # at the same time: the page has what was committed
        page, failures = found
        shown = {name: Decimal(value) for name, value in support.samples(page).items() if value not in ("+Inf", "NaN")}
        self.failures.update(failure.partition(":")[0] for failure in failures)
        self.take_over(shown)
        self.check_spending(shown)
        return shown

    def kill_some_time(self):
        """Kills the driver before, during or after the answer to a statement."""
        self.timer = threading.Timer(self.dice.uniform(0, 0.05), self.kill)
        if self.dice.random() < 0.5:
            self.fake.at_answer = self.kill
        self.timer.start()

    def take_over(self, shown):
        """Applies the last answer to each statement whose read time on the page has changed."""
        for name, model in self.models.items():
            at = shown.get(series("snowflake_read_timestamp_seconds", statement=name))
            if at is None or at == self.read_up_to.get(name):
                continue
            self.read_up_to[name] = at
            model.take(next(read for known, read in reversed(self.fake.reads) if known == name))
        self.fake.reads.clear()

    def billed(self, low, high):
        return float(self.account.warehouses[WAREHOUSE].used(low, high, self.clock.now())[1])

    def check_spending(self, shown):
        today = self.clock.now() // DAY * DAY
        self.assertGreaterEqual(float(shown[series("snowflake_own_credits_today")]) + 1e-9,
                                self.billed(today, today + DAY), f"day {(today - self.start) / DAY:.2f}")

    # 30 days

    def faults_at(self, step, is_stuck):
        """The faults of a cycle. Statements take a while, but end before their timeout."""
        found = [{"fault": "long", "seconds": self.dice.uniform(0.1, 0.6)}]
        if is_stuck:
            found.append({"fault": "running", "count": 1})
        elif OUTAGE[0] < step * STEP / DAY < OUTAGE[1]:
            found.append({"fault": "status", "status": 503})
        elif self.dice.random() < 0.1:
            found.append(self.dice.choice(self.FAULTS))
        return found

    def happen(self, step):
        """Applies what happens to the account on some days."""
        account = self.account
        own = account.warehouses[WAREHOUSE]
        events = {
            3: lambda: self.allow("GOVERNANCE_VIEWER"),
            5: lambda: self.allow("GOVERNANCE_VIEWER", "USAGE_VIEWER"),
            8: lambda: account.rename_warehouse("ADHOC_WH", "SELF_SERVICE_WH"),
            10.125: lambda: own.resize("Medium", account.now),
            13.5: lambda: own.resize("X-Small", account.now),
            16.25: lambda: setattr(own, "auto_suspend", 5),
            18: lambda: setattr(own, "auto_suspend", 120),
            20.5: lambda: account.rename_warehouse(HOSTILE, "BI_WH"),
            23: lambda: setattr(own, "auto_suspend", 60),
        }
        events.get(step * STEP / DAY, lambda: None)()

    def allow(self, *readers):
        """Sets what the exporter's role may read from now on."""
        role = self.account.roles[ROLE]
        self.account.roles[ROLE] = dataclasses.replace(role, readers=frozenset(readers))

    def test_30_days(self):
        steps = DAYS * DAY // STEP
        kills = set(self.dice.sample(range(4, steps), 16))
        stuck = set(self.dice.sample(range(4, steps), 2))
        for step in range(steps):
            with self.fake.lock:
                self.account.advance(self.clock.now())
                self.happen(step)
                self.fake.faults.set(self.faults_at(step, step in stuck))
            self.collect(killed=step in kills)
            self.clock.reach(self.start + (step + 1) * STEP + self.dice.uniform(0, 5 * MINUTE))
        for fault in {each["fault"] for each in self.FAULTS} | {"running"}:
            self.assertGreater(self.fake.faults.counts[fault], 0, fault)
        self.fake.faults.set([])
        # The cost of the last cycle is counted once its warehouse has been suspended, which is later.
        warehouse, until = self.account.warehouses[WAREHOUSE], self.clock.now()
        with self.fake.lock:
            self.account.advance(until)
            by_day, resumes = truth.credits_by_day(warehouse, until).values(), warehouse.resumes
        shown = self.collect()
        self.assertGreater(self.kills, 8)
        self.assert_counted(shown)
        self.assert_true()
        self.assert_paid(shown, list(by_day), resumes)

    def assert_counted(self, shown):
        """Each series shows the highest value of its sum, and none is missing."""
        peaks = collections.Counter()
        for model in self.models.values():
            peaks.update({name: peak for name, peak in model.peaks.items() if "_bucket{" not in name})
            for name in (name for name in model.peaks if 'le="0.1"' in name):
                total = Decimal(0)
                for bound in BOUNDS:
                    other = name.replace('le="0.1"', f'le="{bound}"')
                    total += model.peaks[other]
                    peaks[other] = total
        different = {name: (peak, shown.get(name)) for name, peak in peaks.items()
                     if abs(peak - shown.get(name, Decimal(0))) > Decimal("1e-6")}
        self.assertEqual(different, {})
        families = {name.partition("{")[0] for name in peaks}
        self.assertEqual({name for name in shown if name.partition("{")[0] in families} - set(peaks), set())

    def assert_true(self):
        """The sums are what happened, as far as it does not change any more."""
        high = self.clock.now() - SETTLED
        for name, model in self.models.items():
            statement, expected = COUNTERS[name], {}
            low = model.low // statement.width * statement.width
            request = answers.Request(answers.END, low, high // DAY * DAY)
            for key, rows in statement.groups(self.account.usage, request).items():
                row = dict(zip([*statement.labels, "B"], key))
                row |= {column: value(rows) for column, value in statement.values.items()}
                expected.setdefault(row["B"], collections.Counter()).update(model.added(row))
            counted = {bucket: values for bucket, values in model.buckets.items() if bucket < high // DAY * DAY}
            self.assertGreater(len(expected), 20)
            for bucket in expected.keys() | counted.keys():
                self.assertEqual(nonzero(counted.get(bucket, {})), nonzero(expected.get(bucket, {})), (name, bucket))

    def assert_paid(self, shown, by_day, resumes):
        """No day costs more than the cap, most of which is used. The exporter does not show less than the cost."""
        self.assertLessEqual(max(by_day), CAP)
        self.assertGreater(max(by_day), 0.9 * CAP)
        own, billed = float(shown[series("snowflake_own_credits_total")]), sum(by_day)
        self.assertGreaterEqual(own, billed)
        self.assertLess(own, 1.1 * billed)
        self.assertGreaterEqual(int(shown[series("snowflake_own_resumes_total")]), resumes)


def nonzero(values):
    return {name: value for name, value in values.items() if value}


if __name__ == "__main__":
    unittest.main()
