"""The objects of the made-up account, and their states."""

import dataclasses

from snowflake_fake.warehouse import AdaptiveWarehouse, Monitor, Warehouse

DAY = 86400
HOSTILE = 'BI "Æther"\nsecond line'  # a quoted identifier may contain anything
EXPORTER_WAREHOUSE, EXPORTER_ROLE = "EXPORTER_WH", "SNOWFLAKE_EXPORTER"


@dataclasses.dataclass
class Role:
    """What a role may see: everything, or kinds of objects, single objects, warehouses and views."""

    name: str
    is_admin: bool = False
    kinds: frozenset = frozenset()  # "WAREHOUSES", "TASKS", ...
    objects: frozenset = frozenset()  # ("WAREHOUSES", name)
    warehouses: frozenset = frozenset()  # on which it has USAGE
    readers: frozenset = frozenset()  # database roles of SNOWFLAKE

    def sees(self, kind, name):
        return self.is_admin or kind in self.kinds or (kind, name) in self.objects


@dataclasses.dataclass
class Database:
    name: str
    number: int
    size: int = 0  # bytes
    origin: str = ""  # the share of an imported database
    options: str = ""
    kind: str = "STANDARD"
    created: float = 0.0


@dataclasses.dataclass
class Pipe:
    name: str
    number: int
    database: str = "RAW"
    schema: str = "EVENTS"
    table: str = ""
    every: float = 300.0  # seconds between files
    invalid_reason: str | None = None
    is_named_late: bool = False  # whether its name appears in the views an hour after the row
    created: float = 0.0


@dataclasses.dataclass
class DynamicTable:
    name: str
    number: int
    target_lag: str | None = "5 minutes"
    every: float = 240.0  # seconds between refreshes
    seconds: float = 20.0  # of a refresh
    database: str = "ANALYTICS"
    schema: str = "MARTS"
    warehouse: str = "TRANSFORM_WH"
    state: str = "RUNNING"
    is_monitored: bool = True  # whether the exporter's role has MONITOR on it
    data_timestamp: float | None = None
    suspended: float | None = None
    created: float = 0.0


@dataclasses.dataclass
class Task:
    name: str
    number: int
    every: float = 3600.0
    seconds: float = 30.0
    warehouse: str | None = "TRANSFORM_WH"  # None: serverless
    parent: str | None = None
    state: str = "started"
    suspended_reason: str | None = None
    suspended: float | None = None
    failures: float = 0.0  # share of the runs that fail
    skips: float = 0.0
    database: str = "ANALYTICS"
    schema: str = "JOBS"
    created: float = 0.0


@dataclasses.dataclass
class Group:
    """A replication group; a secondary one is refreshed here."""

    name: str
    number: int
    is_primary: bool = False
    schedule: str | None = "10 MINUTE"
    every: float = 600.0
    state: str | None = "STARTED"
    overdue: float = 0.0  # seconds by which its next refresh is late
    created: float = 0.0


def roles():
    """ACCOUNTADMIN sees everything; LIMITED little, PUBLIC nothing."""
    kinds = frozenset(("WAREHOUSES", "RESOURCE MONITORS", "PIPES", "DYNAMIC TABLES", "TASKS",
                       "REPLICATION GROUPS", "DATABASES"))
    every = frozenset(("USAGE_VIEWER", "GOVERNANCE_VIEWER", "SECURITY_VIEWER", "OBJECT_VIEWER",
                       "ORGANIZATION_BILLING_VIEWER"))
    own = frozenset((EXPORTER_WAREHOUSE,))
    found = (Role("ACCOUNTADMIN", is_admin=True),
             Role(EXPORTER_ROLE, kinds=kinds, warehouses=own, readers=every),
             Role("LIMITED", objects=frozenset((("WAREHOUSES", EXPORTER_WAREHOUSE),)), warehouses=own,
                  readers=frozenset(("USAGE_VIEWER",))),
             Role("PUBLIC"))
    return {role.name: role for role in found}


def warehouses(created):
    found = [
        Warehouse("LOAD_WH", 1001, created=created, auto_suspend=60),
        Warehouse("TRANSFORM_WH", 1002, "Medium", 120, created=created, owner="TRANSFORMER"),
        Warehouse(HOSTILE, 1003, "Small", 300, created=created, comment='dashboards\n"ad hoc"'),
        Warehouse("ALWAYS_ON_WH", 1004, auto_suspend=None, created=created, comment="never suspends"),
        Warehouse("ADHOC_WH", 1005, "Small", 600, created=created),
        Warehouse("OLD_WH", 1006, "Large", 600, auto_resume=False, created=created),
        AdaptiveWarehouse("ADAPTIVE_WH", 1007, created=created),
        Warehouse(EXPORTER_WAREHOUSE, 1008, auto_suspend=60, created=created, comment="of the exporter"),
    ]
    return {each.name: each for each in found}


def monitors(created):
    found = [
        Monitor("ACCOUNT_BUDGET", 5000, level="ACCOUNT", created=created),
        Monitor("TRANSFORM_BUDGET", 100, created=created, notify=(75, 90)),
        Monitor("EXPORTER_BUDGET", 10, "DAILY", created=created, notify=(), suspend=90,
                suspend_immediately=100),
        Monitor("FORGOTTEN", 50, "NEVER", level=None, created=created, notify=()),
    ]
    return {each.name: each for each in found}


def databases(created):
    return [Database("RAW", 11, 4 << 40, options="TRANSIENT", created=created),
            Database("ANALYTICS", 12, 1 << 40, created=created),
            Database('Données "é"\n', 13, 1 << 30, created=created),
            Database("SNOWFLAKE", 14, origin="SNOWFLAKE.ACCOUNT_USAGE", kind="APPLICATION", created=created),
            Database("PARTNER", 15, origin="PARTNERORG.SALES", kind="IMPORTED DATABASE", created=created)]


def pipes(created):
    return [Pipe("ORDERS_PIPE", 21, table="ORDERS", created=created),
            Pipe("CLICKS_PIPE", 22, table="CLICKS", every=60.0, is_named_late=True, created=created),
            Pipe('Quiet "pipe"', 23, table="RARE", every=6 * 3600.0, created=created),
            Pipe("BROKEN_PIPE", 24, table="GONE", every=0.0, created=created,
                 invalid_reason="Table 'RAW.EVENTS.GONE' does not exist or not authorized.")]


def dynamic_tables(created):
    return [DynamicTable("ORDERS_HOURLY", 31, "1 hour", 2400.0, 60.0, created=created),
            DynamicTable("CLICKS_BEHIND", 32, "5 minutes", 1200.0, 900.0, created=created),
            DynamicTable("SESSIONS", 33, "DOWNSTREAM", 1800.0, created=created),
            DynamicTable("PAUSED", 34, "10 minutes", 0.0, state="SUSPENDED", suspended=created + DAY,
                         data_timestamp=created + DAY, created=created),
            DynamicTable("HIDDEN", 35, is_monitored=False, every=600.0, created=created)]


def tasks(created):
    return [Task("LOAD_ROOT", 41, every=3600.0, created=created),
            Task("LOAD_CHILD", 42, every=0.0, seconds=90.0, parent="LOAD_ROOT", failures=0.05,
                 created=created),
            Task("COMPACT", 43, every=900.0, seconds=20.0, warehouse=None, skips=0.1, created=created),
            Task("PAUSED_BY_HAND", 44, state="suspended", suspended_reason="USER_SUSPENDED", created=created,
                 suspended=created + DAY),
            Task("GAVE_UP", 45, state="suspended", suspended_reason="SUSPENDED_DUE_TO_ERRORS",
                 created=created, suspended=created + 2 * DAY)]


def groups(created):
    return [Group("PRIMARY_GROUP", 51, is_primary=True, state=None, created=created),
            Group("FINANCE_COPY", 52, created=created),
            Group("OVERDUE_COPY", 53, overdue=3 * 3600.0, created=created),
            Group("PAUSED_COPY", 54, state="SUSPENDED", created=created),
            Group("MANUAL_COPY", 55, schedule=None, every=0.0, state=None, created=created)]
