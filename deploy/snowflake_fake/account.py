"""A simulated Snowflake account: its objects, and events in the order of time."""

import collections
import heapq
import itertools
import math
import random
from decimal import Decimal
from fractions import Fraction

from snowflake_fake import objects
from snowflake_fake.life import Life
from snowflake_fake.metering import Metering
from snowflake_fake.usage import Usage, decimal_of
from snowflake_fake.warehouse import HOUR, whole

DAY = 86400
CLOUD_CREDITS = Decimal("0.00002")  # for cloud services, per statement


class Account:
    """A simulated account, whose time advance() moves. The same seed gives the same history.

    Unless `is_alive`, nothing happens except what is requested.
    """

    def __init__(self, start, seed=1, past=3 * DAY, is_alive=True):
        self.start, self.seed = start, seed
        self.began = self.now = whole(start - past)
        created = self.began - 30 * DAY
        self.roles = objects.roles()
        self.warehouses = objects.warehouses(created)
        self.created_as = dict(self.warehouses)  # warehouses by their first name
        self.monitors = objects.monitors(created)
        self.databases = objects.databases(created)
        self.pipes, self.dynamic_tables = objects.pipes(created), objects.dynamic_tables(created)
        self.tasks, self.groups = objects.tasks(created), objects.groups(created)
        self.assign("TRANSFORM_BUDGET", "TRANSFORM_WH")
        self.assign("EXPORTER_BUDGET", objects.EXPORTER_WAREHOUSE)
        self.monitors["ACCOUNT_BUDGET"].warehouses = list(self.warehouses.values())
        for warehouse in self.warehouses.values():
            warehouse.closed = self.began
        self.usage = Usage(seed)
        self.executions = collections.Counter()  # number of executed statements by name
        self.tags = collections.Counter()  # number of statements by query tag
        self.agenda, self.order, self.numbers = [], itertools.count(), itertools.count(1)
        self.metering = Metering(self)
        self.metering.begin()
        if is_alive:
            Life(self).begin()
        self.advance(start)
        if is_alive:
            self.fill_budget()

    def assign(self, monitor, warehouse):
        self.monitors[monitor].warehouses.append(self.warehouses[warehouse])
        self.warehouses[warehouse].monitor = self.monitors[monitor]

    def fill_budget(self):
        """Sets the quota of one resource monitor so that 80 % of it is used at the start."""
        monitor = self.monitors["TRANSFORM_BUDGET"]
        monitor.quota = max(1, round(monitor.used(self.now) * 10 / 8))

    def at(self, when, what, *arguments):
        heapq.heappush(self.agenda, (when, next(self.order), what, arguments))

    def every(self, seconds, what):
        """Calls `what` with the time at each multiple of `seconds`."""
        def tick():
            when = self.now
            self.at(when + seconds, tick)
            what(when)

        self.at((self.now // seconds + 1) * seconds, tick)

    def advance(self, now):
        """Executes everything that happens until `now`."""
        while self.agenda and self.agenda[0][0] <= now:
            self.now, _, what, arguments = heapq.heappop(self.agenda)
            what(*arguments)
        self.now = max(self.now, now)
        for warehouse in self.warehouses.values():
            warehouse.settle(self.now)

    def dice(self, *what):
        return random.Random("/".join(map(str, (self.seed, *what))))

    def query_id(self):
        number = next(self.numbers)
        return f"01c4d8d0-{number >> 32 & 0xffff:04x}-ea1d-0000-{number & 0xffffffff:012x}"

    def run(self, name, seconds, **fields):
        """Runs a statement that arrives now on a warehouse, which is given by its first name. Raises Refusal."""
        warehouse = self.created_as[name]
        query = warehouse.begin(self.now, seconds)
        return query, self.record(self.now, query.end, warehouse, query, **fields)

    def record(self, arrived, end, warehouse, query, **fields):
        """Records a statement that ran, and its cost. Returns its id."""
        provisioning, overload = query.queued(arrived, end) if query else (0, 0)
        row = {"QUERY_ID": fields.get("QUERY_ID") or self.query_id(), "QUERY_TYPE": "SELECT",
               "EXECUTION_STATUS": "SUCCESS", "QUERY_TAG": "",
               "CREDITS_USED_CLOUD_SERVICES": CLOUD_CREDITS, "START_TIME": arrived, "END_TIME": end,
               "TOTAL_ELAPSED_TIME": milliseconds(end - arrived), "COMPILATION_TIME": 20,
               "EXECUTION_TIME": milliseconds(end - (query.start if query else arrived)),
               "QUEUED_PROVISIONING_TIME": milliseconds(provisioning),
               "QUEUED_OVERLOAD_TIME": milliseconds(overload), "QUEUED_REPAIR_TIME": 0,
               "TRANSACTION_BLOCKED_TIME": 0} | fields
        if warehouse:
            row |= {"WAREHOUSE_ID": warehouse.number, "WAREHOUSE_NAME": warehouse.name,
                    "WAREHOUSE_SIZE": "ADAPTIVE" if warehouse.is_adaptive else warehouse.size,
                    "WAREHOUSE_TYPE": warehouse.kind, "CLUSTER_NUMBER": None if warehouse.is_adaptive else 1}
            warehouse.charge_cloud(end, CLOUD_CREDITS)
        else:
            self.metering.charge_cloud(end, CLOUD_CREDITS)
        self.usage.add("QUERY_HISTORY", end, row)
        if query:
            query.row = row
        if query and warehouse.is_adaptive:
            self.meter_statement(row, warehouse, query)
        return row["QUERY_ID"]

    def meter_statement(self, row, warehouse, query):
        """Records the cost of a statement on an adaptive warehouse by hour; the names become visible after its end."""
        common = {name: row[name] for name in ("QUERY_ID", "WAREHOUSE_ID", "QUERY_TAG")}
        named = {name: row.get(name) for name in ("WAREHOUSE_NAME", "USER_NAME")}
        for hour in range(whole(query.start), math.ceil(query.end), HOUR):
            seconds = math.ceil(query.overlap(hour, hour + HOUR))
            credits = decimal_of(Fraction(warehouse.rate() * seconds, HOUR))
            added = self.usage.add("QUERY_METERING_HISTORY", hour, common | {
                "QUERY_METERING_HOUR": hour, "CREDITS_USED_COMPUTE": credits,
                "CREDITS_USED_CLOUD_SERVICES": Decimal(0), "CREDITS_USED": credits},
                happened=min(query.end, hour + HOUR))
            ended = named | {"QUERY_START_TIME": query.start, "QUERY_END_TIME": query.end}
            added.correct(added.versions[0][0] + 900, **ended)

    def rename_warehouse(self, old, new):
        """Rows of the last hours get the new name later; their warehouse number stays."""
        if old not in self.warehouses:
            return
        self.warehouses = {new if name == old else name: each for name, each in self.warehouses.items()}
        warehouse = self.warehouses[new]
        warehouse.name = new
        for row in self.usage.rows["WAREHOUSE_METERING_HISTORY"][-24 * len(self.warehouses):]:
            last = row.versions[-1][1]
            if last["WAREHOUSE_ID"] == warehouse.number and last["START_TIME"] >= self.now - 6 * HOUR:
                row.correct(max(self.now, row.versions[-1][0]) + 600, WAREHOUSE_NAME=new)


def milliseconds(seconds):
    return round(seconds * 1000)
