"""A Snowflake account whose time runs fast, like that of its exporter."""

import collections
import re
from decimal import Decimal

import snowflake_fake.server
from gate import MODES, Gate
from processes import poll
from snowflake_client import HOUR, MINUTE, WAREHOUSE
from snowflake_fake import answers
from snowflake_fake.account import Account
from snowflake_fake.catalog import COUNTERS, STATEMENTS
from snowflake_fake.life import WORKLOADS, Life
from snowflake_sums import added
from snowflake_time import one_user, write_config
from support import samples
from world import World

DAY = 24 * HOUR
# Counters that may fall, that the exporter itself adds to, or that count whole days.
NOT_COMPARED = ("snowflake_warehouse_idle_credits_total", "snowflake_service_credits_total",
                "snowflake_billed_credits_total", "snowflake_adjusted_credits_total")
LEDGERS = {"queries": "queries", "warehouse_credits": "cost", "query_tags": "query_tags"}
COMPARED = {name: COUNTERS[name] for name in LEDGERS}
GROUPS = ("queries", "cost", "query_tags")
COLLECTORS = ("warehouses", "resource_monitors", "read_times", "own_cost", *GROUPS)
VALUE = re.compile(r',value="[^"]*"')


class Short(Life):
    """Events that end when `is_over` is set."""

    is_over = False

    def work(self, workload):
        if not self.is_over:
            super().work(workload)


class Snowflake(World):
    """Statements on warehouses, their costs and their owners; 20 hours pass in an hour."""

    name, alert, modes = "snowflake", "SnowflakeDown", MODES
    counters = re.compile(r"snowflake_(quer\w+|warehouse_credits|warehouse_attributed_credits)_total|"
                          r"snowflake_query_duration_seconds_(count|sum|bucket)")

    flags = ("--collector.disable-defaults", "--collector.ledger", *(f"--collector.{name}" for name in COLLECTORS))

    def __init__(self, _folder, _dice, clock):
        self.clock = clock
        self.account = Account(clock.now() - HOUR, past=DAY, is_alive=False)
        self.life = Short(self.account)
        for number, workload in enumerate(WORKLOADS):
            self.account.at(self.account.now + 1 + 7 * number, self.life.work, workload)
        self.account.created_as["ALWAYS_ON_WH"].auto_suspend = 600
        for monitor in self.account.monitors.values():
            monitor.quota *= 1000
        self.account.advance(clock.now())
        self.fake = snowflake_fake.server.Fake(self.account, clock, one_user())
        self.gate = Gate(self.fake.server_port)

    def write_configuration(self, path):
        """Groups check every minute whether they are due, even if their interval is shorter."""
        each = [f"{name}: {{interval: {'1m' if name in GROUPS else '3s'}, timeout: 20s}}" for name in COLLECTORS]
        write_config(path, self.gate, credits_per_day=0, statement_timeout="15s", query_tag_keys="[team]",
                     collector=f"{{{', '.join(each)}}}")

    def fail(self, mode):
        self.gate.fail(mode)

    def repair(self):
        self.gate.repair()

    def read_up_to(self, shown):
        return min(float(shown.get(f'snowflake_read_timestamp_seconds{{account="demo",statement="{name}"}}', 0))
                   for name in COMPARED)

    def is_read(self, exporter):
        return self.read_up_to(samples(exporter.page())) > 0

    def settle(self, exporter):
        """Lets more than a day pass in which nothing happens, because the views are late."""
        with self.fake.lock:
            self.life.is_over = True
        for _ in range(2):
            self.clock.jump(14 * HOUR)
            until = self.clock.now() - MINUTE
            # The exporter checks every minute whether a read is due.
            poll(lambda until=until: self.read_up_to(samples(exporter.page())) > until, "the account is read", pause=1)

    def difference(self, exporter):
        page = samples(exporter.page())
        shown = self.merged({name: Decimal(value) for name, value in page.items()
                             if self.counters.match(name) and value not in ("NaN", "+Inf")})
        expected = self.expected(shown_since(page))
        return {name: (value, shown.get(name, 0)) for name, value in expected.items()
                if abs(value - shown.get(name, Decimal(0))) > Decimal("1e-6")}

    def expected(self, since):
        """The counts of buckets that started after the creation of the statement's ledger."""
        found = collections.Counter()
        with self.fake.lock:
            for name, statement in COMPARED.items():
                request = answers.Request(answers.END, since[name] // DAY * DAY, self.clock.now())
                for key, rows in statement.groups(self.account.usage, request).items():
                    row = dict(zip([*statement.labels, "B"], key))
                    if row["B"] >= since[name]:
                        row |= {column: value(rows) for column, value in statement.values.items()}
                        found.update(added(name, row))
        return {name: value for name, value in self.merged(found).items() if value}

    @staticmethod
    def merged(counts):
        """Adds up all values of a tag, because they count as `other` until they are known."""
        found = collections.Counter()
        for name, value in counts.items():
            is_own = f'warehouse="{WAREHOUSE}"' in name or 'warehouse=""' in name  # on its own warehouse, or on none
            if not is_own and not name.startswith(NOT_COMPARED) and "_bucket{" not in name:
                found[VALUE.sub("", name) if name.startswith("snowflake_query_tag_") else name] += value
        return found

    def known(self):
        with self.fake.lock:
            return f"{len(self.account.usage.rows['QUERY_HISTORY'])} statements of {len(self.account.warehouses)} warehouses"

    def close(self):
        self.gate.close()
        self.fake.close()


def shown_since(page):
    """The time since which each statement is counted."""
    start = 'exporter_ledger_start_timestamp_seconds{{ledger="snowflake_{}",source="demo"}}'
    return {name: float(page[start.format(ledger)]) for name, ledger in LEDGERS.items()}
