"""Warehouses that resume, suspend and are billed, and resource monitors that suspend them.

Billing follows the documentation: by the second from each resume, at least 60 seconds, and again for what a
resize adds. Times are seconds since 1970 in the account's time; credits are exact fractions.
"""

import collections
import datetime
import math
from decimal import Decimal
from fractions import Fraction

from snowflake_fake.protocol import Refusal, no_warehouse

SIZES = {"X-Small": 1, "Small": 2, "Medium": 4, "Large": 8, "X-Large": 16, "2X-Large": 32, "3X-Large": 64,
         "4X-Large": 128, "5X-Large": 256, "6X-Large": 512}  # credits an hour
MINIMUM = 60  # seconds that each resume costs at least
PROVISIONING = 1.0  # seconds from a resume until the warehouse runs statements
CONCURRENCY = 8  # statements that a cluster runs at the same time
HOUR = 3600


def whole(hour):
    """The start of the hour that contains a time."""
    return int(hour // HOUR) * HOUR


class Part:
    """Compute that is billed at one rate, from a resume or a resize on."""

    def __init__(self, rate, start, minimum=MINIMUM):
        self.rate, self.start, self.end, self.minimum = rate, math.floor(start), None, minimum

    def paid_until(self, now):
        return max(math.ceil(now if self.end is None else self.end), self.start + self.minimum)

    def seconds(self, low, high, now):
        return max(0, min(high, self.paid_until(now)) - max(low, self.start))


class Query:
    """A statement on a warehouse; a cancel may change its `end`."""

    def __init__(self, arrived, start, end, provisioning):
        self.arrived, self.start, self.end, self.provisioning = arrived, start, end, provisioning
        self.row, self.attributed = None, Decimal(0)  # its row in QUERY_HISTORY; its attributed credits

    def overlap(self, low, high):
        """The seconds that it ran between two times."""
        return max(0.0, min(high, self.end) - max(low, self.start))

    def queued(self, low, high):
        """The seconds that it waited for the warehouse to start, and for other statements."""
        ready = self.arrived + self.provisioning
        return (max(0.0, min(high, ready) - max(low, self.arrived)),
                max(0.0, min(high, self.start) - max(low, ready)))


class Warehouse:
    """A warehouse. Calls must be in the order of time; settle() applies what happens by time alone."""

    is_adaptive = False

    def __init__(self, name, number, size="X-Small", auto_suspend=60, auto_resume=True, clusters=1,
                 monitor=None, created=0.0, comment="", owner="SYSADMIN", kind="STANDARD"):
        self.name, self.number, self.size, self.kind = name, number, size, kind
        self.auto_suspend, self.auto_resume, self.clusters = auto_suspend, auto_resume, clusters
        self.monitor, self.owner, self.comment = monitor, owner, comment
        self.created = self.resumed = self.updated = created
        self.parts, self.active, self.queries = [], [], []
        self.last_end = created
        self.stopping = None  # since when it is suspending, until nothing runs, and why
        self.resumes = 0
        self.hours = {}  # seconds and credits by the start of each ended hour
        self.closed = 0  # the end of the last ended hour
        self.cloud = collections.Counter()  # credits for cloud services by the start of the hour
        self.events = []  # (time, event, reason), until somebody takes them

    def is_started(self):
        return any(part.end is None for part in self.parts)

    def state(self, now):
        """The state in SHOW WAREHOUSES."""
        if not self.is_started():
            return "SUSPENDED"
        return "STARTED" if now >= self.resumed + PROVISIONING else "RESUMING"

    def rate(self):
        return SIZES[self.size] * self.clusters

    def settle(self, now):
        """Suspends the warehouse at the time at which it had been idle long enough."""
        for query in [query for query in self.active if query.end <= now]:
            self.active.remove(query)
            self.last_end = max(self.last_end, query.end)
        if not self.is_started() or self.active:
            return
        idle = max(self.last_end, self.resumed)
        if self.stopping:
            self.stop(max(idle, self.stopping[0]), self.stopping[1])
        elif self.auto_suspend and idle + self.auto_suspend <= now:
            self.stop(idle + self.auto_suspend, "WAREHOUSE_AUTOSUSPEND")

    def begin(self, now, seconds):
        """Runs a statement. The warehouse resumes for it, and it may wait for others. Raises Refusal."""
        self.settle(now)
        if self.stopping:
            self.require_quota(now)
            self.stopping = None
        if not self.is_started():
            if not self.auto_resume:
                raise no_warehouse()
            self.resume(now, "WAREHOUSE_AUTORESUME")
        provisioning = max(0.0, self.resumed + PROVISIONING - now)
        ends = sorted(query.end for query in self.active)
        start = now + provisioning
        if len(ends) >= CONCURRENCY * self.clusters:
            start = max(start, ends[-CONCURRENCY * self.clusters])
        query = Query(now, start, start + seconds, provisioning)
        self.active.append(query)
        self.queries.append(query)
        return query

    @staticmethod
    def cancel(query, now):
        """Ends a statement that waits or runs."""
        query.end = min(query.end, now)
        query.start = min(query.start, query.end)

    def require_quota(self, now):
        """Raises Refusal if a resource monitor forbids to resume."""
        if self.monitor and self.monitor.is_exceeded(now):
            raise Refusal(422, "090073", f"Warehouse '{self.name}' cannot be resumed because resource "
                                         f"monitor '{self.monitor.name}' has exceeded its quota.", "22000")

    def resume(self, now, reason="WAREHOUSE_RESUME"):
        """Resumes the warehouse. Raises Refusal if a resource monitor forbids it."""
        self.require_quota(now)
        self.parts.append(Part(self.rate(), now))
        self.resumed = self.updated = now
        self.resumes += 1
        self.events.append((now, "RESUME_WAREHOUSE", reason))

    def suspend(self, now, reason="WAREHOUSE_SUSPEND"):
        """Suspends the warehouse once the running statements have ended."""
        self.settle(now)
        if self.is_started():
            self.stopping = (now, reason)
            self.settle(now)

    def stop(self, at, reason):
        for part in self.parts:
            if part.end is None:
                part.end = at
        self.updated, self.stopping = at, None
        self.events.append((at, "SUSPEND_WAREHOUSE", reason))

    def resize(self, size, now):
        """A larger size adds a part with its own minimum, a smaller size replaces the billed parts."""
        self.settle(now)
        before, self.size, self.updated = self.rate(), size, now
        self.events.append((now, "RESIZE_WAREHOUSE", "WAREHOUSE_RESIZE"))
        if not self.is_started():
            return
        if self.rate() > before:
            self.parts.append(Part(self.rate() - before, now))
            return
        for part in self.parts:
            if part.end is None:
                part.end = now
        self.parts.append(Part(self.rate(), now, minimum=0))

    def close_hour(self, hour):
        """Keeps the use of the hour that has ended, and drops what is no longer needed."""
        end = hour + HOUR
        self.settle(end)
        self.hours[hour] = self.used_since(hour, end, end)
        self.closed = end
        self.parts = [part for part in self.parts if part.end is None or part.paid_until(end) > end]
        self.queries = [query for query in self.queries if query.end > hour]

    def used(self, low, high, now):
        """The billed seconds and credits between two times. `low` is the start of an hour."""
        found = [use for hour, use in self.hours.items() if low <= hour and hour + HOUR <= high]
        found.append(self.used_since(max(low, self.closed), high, now))
        return sum(each[0] for each in found), sum(each[1] for each in found)

    def used_since(self, low, high, now):
        """The same for hours that have not ended."""
        found = [(part.rate, part.seconds(low, high, now)) for part in self.parts]
        return (sum(seconds for _, seconds in found),
                sum((Fraction(rate * seconds, HOUR) for rate, seconds in found), Fraction(0)))

    def charge_cloud(self, now, credits):
        """Adds credits for cloud services of a statement."""
        self.cloud[whole(now)] += credits

    def shares(self, low, high):
        """The seconds of each statement between two times; statements that run at the same time share them."""
        found = {query: 0.0 for query in self.queries if query.overlap(low, high) > 0}
        turns = sorted([(max(low, query.start), True, number, query) for number, query in enumerate(found)] +
                       [(min(high, query.end), False, number, query) for number, query in enumerate(found)],
                       key=lambda turn: turn[:3])
        running, since = set(), low
        for when, starts, _, query in turns:
            for each in running:
                found[each] += (when - since) / len(running)
            since = when
            running.add(query) if starts else running.discard(query)
        return found


class AdaptiveWarehouse(Warehouse):
    """A warehouse that is billed per statement, never resumes and has no size."""

    is_adaptive = True

    def __init__(self, name, number, **options):
        super().__init__(name, number, size=None, auto_suspend=None, kind="ADAPTIVE", **options)

    def state(self, now):
        return "ENABLED"

    def rate(self):
        return 2

    def begin(self, now, seconds):
        self.settle(now)
        query = Query(now, now, now + seconds, 0.0)
        self.active.append(query)
        self.queries.append(query)
        return query

    def used_since(self, low, high, now):
        seconds = sum(math.ceil(query.overlap(low, high)) for query in self.queries)
        return seconds, Fraction(self.rate() * seconds, HOUR)


class Monitor:
    """A resource monitor of warehouses: at a share of its quota it lets none of them resume."""

    def __init__(self, name, quota, frequency="MONTHLY", level="WAREHOUSE", notify=(75, 90), suspend=None,
                 suspend_immediately=None, created=0.0, comment=""):
        self.name, self.quota, self.frequency, self.level = name, quota, frequency, level
        self.notify, self.suspend, self.suspend_immediately = notify, suspend, suspend_immediately
        self.created, self.comment = created, comment
        self.warehouses = []

    def since(self, now):
        """The start of its current interval."""
        day = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).replace(hour=0, minute=0, second=0,
                                                                                  microsecond=0)
        if self.frequency == "MONTHLY":
            day = day.replace(day=1)
        elif self.frequency == "WEEKLY":
            day -= datetime.timedelta(days=day.weekday())
        elif self.frequency == "NEVER":
            return whole(self.created)
        return int(day.timestamp())

    def used(self, now):
        """The credits of its interval: compute and cloud services, as SHOW RESOURCE MONITORS shows them."""
        low = self.since(now)
        compute = sum(each.used(low, math.ceil(now), now)[1] for each in self.warehouses)
        return compute + sum(Fraction(credits) for each in self.warehouses
                             for hour, credits in each.cloud.items() if hour >= low)

    def reached(self, now):
        """The used percentage of the quota."""
        return self.used(now) * 100 / self.quota if self.quota else Fraction(0)

    def is_exceeded(self, now):
        shares = [share for share in (self.suspend, self.suspend_immediately) if share is not None]
        return bool(shares) and self.reached(now) >= min(shares)

    def enforce(self, now):
        """Suspends its warehouses if the quota requires it, and immediately if it requires that."""
        if not self.is_exceeded(now):
            return
        at_once = self.suspend_immediately is not None and self.reached(now) >= self.suspend_immediately
        for warehouse in self.warehouses:
            for query in list(warehouse.active) if at_once else ():
                warehouse.cancel(query, now)
            warehouse.suspend(now, "RESOURCE_MONITOR_SUSPEND")
