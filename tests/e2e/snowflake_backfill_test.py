"""The past that snowflake_exporter writes, in a real Prometheus, before the counters that it shows: each
event counts once."""

import collections
import contextlib
import json
import re
import subprocess
import time
import unittest
import urllib.parse
from decimal import Decimal

import support
from snowflake_client import DAY, HOUR, WAREHOUSE
from snowflake_fake import answers
from snowflake_fake.account import Account
from snowflake_fake.catalog import COUNTERS
from snowflake_fake.life import WORKLOADS, Life
from snowflake_sums import ADDS, DURATION, added
from snowflake_time import Clock, Driver, Lively, one_user, write_config

PAST, SINCE = 12, 3  # days before the exporter counts, and days since
NAME = "snowflake_exporter"
# Sums that fall when further rows of a view appear, because idle or billed credits are attributed or
# adjusted later. A counter shows the highest sum.
FALLING = ("snowflake_warehouse_idle_credits_total", "snowflake_billed_credits_total")
GROUPS = ("cost", "queries", "storage")


def lively_account(start, days):
    """An account in which only statements run. None is corrected."""
    account = Account(start - days * DAY, past=DAY, is_alive=False)
    life = Life(account)
    for number, workload in enumerate(WORKLOADS):
        account.at(account.now + 1 + 7 * number, life.work, workload._replace(every=4 * workload.every))
    account.advance(start)
    return account


def promtool(*arguments):
    return subprocess.run(["promtool", *map(str, arguments)], check=True, capture_output=True, text=True,
                          timeout=support.START).stdout


@contextlib.contextmanager
def prometheus(folder):
    """Runs a Prometheus with the data in folder/data. Yields its address."""
    (folder / "prometheus.yml").write_text("{}")
    url = f"http://127.0.0.1:{support.free_port()}"
    with support.Process(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                          "--storage.tsdb.retention.time=100y",
                          f"--web.listen-address={url.removeprefix('http://')}"]) as process:
        process.wait_for_lines("Server is ready")
        yield url


def ask(url, path, **parameters):
    port = int(url.rpartition(":")[2])
    answer = support.fetch(port, f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
    return json.loads(answer.body)["data"]["result"]


def key(labels):
    """The series as on a page."""
    labels = dict(labels)
    name = labels.pop("__name__")
    return name, frozenset(labels.items())


def key_of(text):
    name, rest = text.split("{", 1)
    pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', rest)
    unescaped = {label: re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], value)
                 for label, value in pairs}
    return name, frozenset((label, value) for label, value in unescaped.items() if value)


def grown(values):
    """The increase of a counter, which was 0 before its first sample and after each reset."""
    total = before = 0.0
    for _, text in values:
        value = float(text)
        total += value - before if value >= before else value
        before = value
    return total


class Backfill(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = self.enterContext(support.folder())

    def serve(self, start, days=PAST, **config):
        self.clock = Clock(self.folder / "clock", start)
        self.account = lively_account(start, days)
        self.fake = self.enterContext(Lively(self.account, self.clock, one_user(), 3))
        return write_config(self.folder / "snowflake.yml", self.fake, **config)

    def import_text(self, text):
        file = self.folder / "samples.om"
        file.write_text(text)
        promtool("tsdb", "create-blocks-from", "openmetrics", file, self.folder / "data")

    # The past, and the counters since

    def test_each_unit_of_work_counts_once_in_the_past_or_since(self):
        start = float(int(time.time()))
        config = self.serve(start, credits_per_day=0)
        driver = Driver(config, self.folder / "state", self.folder / "clock", *GROUPS)
        self.addCleanup(driver.end)
        live = []
        for step in range(SINCE * 24):
            with self.fake.lock:
                self.account.advance(self.clock.now())
            page, failures = driver.collect()
            self.assertEqual(failures, [])
            live.append((self.clock.now(), page))
            self.clock.reach(start + (step + 1) * HOUR)
        answered = dict(self.fake.answered)
        since = (start - (PAST - 1) * DAY) // DAY * DAY
        past = driver.past(since)
        self.import_text(past)
        self.import_text(with_times(live))
        with prometheus(self.folder) as url:
            self.assert_each_once(url, since, answered, *live[-1])
            self.assert_storage(url, since, start)
        if not support.SANITIZED:  # no exporter has a part in it
            self.assert_recorded(start)

    def assert_each_once(self, url, since, answered, until, page):
        """The increase of each series is what happened, as of the last reads."""
        read = {key_of(name): value for name, value in support.samples(page).items()
                if name.startswith("snowflake_read_timestamp_seconds{")}
        expected = collections.Counter()
        for name in ADDS.keys() - {"query_tags"}:
            at = float(read[key_of(f'snowflake_read_timestamp_seconds{{account="demo",statement="{name}"}}')])
            # What becomes visible between the time of the read and the answer is included.
            request = answers.Request(answered[name], since, at)
            for group, rows in COUNTERS[name].groups(self.account.usage, request).items():
                row = dict(zip([*COUNTERS[name].labels, "B"], group))
                row |= {column: value(rows) for column, value in COUNTERS[name].values.items()}
                for series, amount in added(name, row).items():
                    if "_bucket{" not in series:
                        expected[key_of(series)] += amount
        families = {name for name, _ in expected}
        self.assertIn(f"{DURATION}_sum", families)
        shown = {}
        for family in families:
            for series in ask(url, "query", query=f"{family}[{PAST + SINCE}d]", time=until):
                shown[key(series["metric"])] = grown(series["values"])
        self.assertEqual(set(shown), set(expected))
        different = {series: (amount, shown[series]) for series, amount in expected.items()
                     if series[0] not in FALLING
                     and abs(Decimal(shown[series]) - amount) > Decimal("1e-6") * max(1, amount)}
        self.assertEqual(different, {})
        for series in (series for series in expected if series[0] in FALLING):
            self.assertGreaterEqual(shown[series], float(expected[series]) - 1e-6)
            self.assertLess(shown[series], 1.5 * float(expected[series]) + 0.1)

    def assert_storage(self, url, since, start):
        """The bytes of a day are there from its end on."""
        days = {row["USAGE_DATE"]: float(row["STORAGE_BYTES"])
                for row in self.account.usage.visible("STORAGE_USAGE", self.clock.now())}
        checked = 0
        for day, size in days.items():
            if not since + DAY <= day < start - 2 * DAY:
                continue
            found = ask(url, "query", query='snowflake_storage_bytes{kind="table"}', time=day + DAY + HOUR)
            self.assertEqual([float(each["value"][1]) for each in found], [size])
            checked += 1
        self.assertGreater(checked, PAST - 6)

    def assert_recorded(self, start):
        """The recording rules return what dashboards show, without a step at the end of the past."""
        rules = support.SOURCE / "prometheus/rules/snowflake_cost.yml"
        begin, end = start - 1.5 * DAY, start + 1.5 * DAY
        for _ in range(2):  # some rules depend on others
            with prometheus(self.folder) as url:
                promtool("tsdb", "create-blocks-from", "rules", f"--url={url}", f"--start={int(begin)}",
                         f"--end={int(end)}", f"--output-dir={self.folder}/data", rules)
        with prometheus(self.folder) as url:
            for rule in ("account:snowflake_credits:increase1d", "sum(warehouse:snowflake_credits:increase1d)",
                         "sum(warehouse:snowflake_idle_credits:increase1d)"):
                found = ask(url, "query_range", query=rule, start=begin + HOUR, end=end - HOUR, step=HOUR)
                self.assertEqual(len(found), 1)
                values = sorted(float(value) for _, value in found[0]["values"])
                self.assertGreater(len(values), 60, rule)
                self.assertLess(values[-1], 1.6 * values[len(values) // 2], rule)
                self.assertGreater(values[0], 0.4 * values[len(values) // 2], rule)

    # The command

    def used(self):
        """The credits of the exporter's warehouse, which nothing else uses."""
        now = int(self.clock.now())
        with self.fake.lock:
            self.account.advance(now + HOUR)
        return float(self.account.warehouses[WAREHOUSE].used(now - DAY, now + HOUR, now + HOUR)[1])

    def backfill(self, config, *flags):
        return support.run("backfill", f"--config.file={config}", f"--directory={self.folder}/past",
                           "--collector.disable-defaults", "--collector.cost", "--collector.storage", *flags, name=NAME)

    def test_the_command_writes_a_file_a_month(self):
        now = float(int(time.time()))
        config = self.serve(now, days=40)
        begin = time.strftime("%Y-%m-%d", time.gmtime(now - 40 * DAY))
        result = self.backfill(config, f"--from={begin}", f"--state.dir={self.folder}/state",
                               "--label=job=snowflake", "--label=instance=a:1")
        self.assertEqual(result.returncode, 0, result.stderr)
        files = result.stdout.split()
        self.assertIn(len(files), (2, 3))
        for file in files:
            promtool("tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=768h", file, self.folder / "data")
        self.assertLess(self.used(), 0.1)
        with prometheus(self.folder) as url:
            found = ask(url, "query", query='sum(increase(snowflake_warehouse_credits_total{job="snowflake",instance="a:1"}[35d]))', time=now - DAY)
            self.assertGreater(float(found[0]["value"][1]), 1)

    def test_what_is_missing_or_wrong_is_said(self):
        config = self.serve(time.time(), days=2)
        exporter = support.Exporter(f"--config.file={config}", f"--state.dir={self.folder}/state",
                                    "--collector.disable-defaults", "--collector.cost", name=NAME)
        state = f"--state.dir={self.folder}/state"
        with exporter:
            result = self.backfill(config, "--from=2026-01-01", state)
            self.assertEqual(result.returncode, 1)
            self.assertIn("another process", result.stderr)
        for flags, text in (
                (["--from=2026-01-01"], "give --state.dir of the exporter"),
                (["--from=yesterday", state], "expected a date, or a time"),
                (["--from=2100-01-01", state], "--from must be before the end"),
                (["--from=1990-01-01", state], "at most ten years"),
                ([state], "--from is required"),
                (["--from=2026-01-01", "--label=job", state], "expected NAME=VALUE"),
                (["--from=2026-01-01", "--step=1s", state], "expected 1m to 1d")):
            with self.subTest(flags):
                result = self.backfill(config, *flags)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(text, result.stderr)

    def test_its_credits_are_the_most_that_it_takes(self):
        now = time.time()
        config = self.serve(now, days=5, backfill_credits=0.06)
        self.account.warehouses[WAREHOUSE].auto_suspend = 600
        result = self.backfill(config, f"--to={time.strftime('%Y-%m-%d', time.gmtime(now))}",
                               f"--from={time.strftime('%Y-%m-%d', time.gmtime(now - 4 * DAY))}", "--collector.queries",
                               "--collector.load", "--collector.logins", "--collector.loads", "--collector.task_runs")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("the day's credits do not suffice", result.stderr)
        self.assertEqual(self.used(), 0)


def with_times(pages):
    """The pages as one OpenMetrics text with timestamps."""
    families = {}
    for at, page in pages:
        for line in page.splitlines():
            if not line.startswith("#"):
                name = line.partition("{")[0]
                families.setdefault(name, []).append(f"{line} {at:.0f}\n")
    lines = []
    for name, samples in families.items():
        lines += [f"# TYPE {name} unknown\n", *samples]
    return "".join(lines) + "# EOF\n"


if __name__ == "__main__":
    unittest.main()
