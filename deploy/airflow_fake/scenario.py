"""The data platform of the fake: its DAGs, pools, assets, and incidents."""

from typing import NamedTuple

from airflow_fake.plan import Pool

MINUTE, HOUR, DAY = 60, 3600, 86400


class Task(NamedTuple):
    name: str
    seconds: float = 20
    after: tuple = ()
    retries: int = 0
    fails: float = 0  # share of the tries that fail
    skips: float = 0
    parts: tuple = ()  # minimum and maximum number of mapped parts
    defers: bool = False
    pokes: int = 0  # number of reschedules
    pool: str = "default_pool"
    queue: str = "default"
    outlet: str = ""  # the asset that it updates


class Dag:
    """A DAG, and when it exists."""

    def __init__(self, dag_id, every, *tasks, offset=0, owners="data-platform", tags=(), file=None,
                 name=None, paused=False, gone=None, asset="", one_at_a_time=False, description=None):
        self.id, self.every, self.offset, self.tasks = dag_id, every, offset, tasks
        self.owners, self.tags, self.name = owners, tags, name or dag_id
        self.file = file or dag_id + ".py"
        self.paused, self.gone = paused, gone  # seconds after the start of the fake
        self.asset, self.one_at_a_time, self.description = asset, one_at_a_time, description
        self.free_at = 0.0

    def next_due(self, after):
        """The first time after `after` at which a run is due; None without a schedule."""
        if not self.every:
            return None
        return ((after - self.offset) // self.every + 1) * self.every + self.offset

    def cron(self):
        """The schedule and its description, as Airflow shows them."""
        if self.asset:
            return "Asset", "Triggered by assets"
        if not self.every:
            return None, "Never, external triggers only"
        minute, hour = self.offset % HOUR // MINUTE, self.offset // HOUR
        if self.every >= DAY:
            return f"{minute} {hour} * * *", f"At {hour:02}:{minute:02}"
        if self.every >= 2 * HOUR:
            hours = self.every // HOUR
            return f"{minute} */{hours} * * *", f"At {minute} past every {hours} hours"
        if self.every == HOUR:
            return f"{minute} * * * *", f"At {minute} minutes past the hour" if minute else "Every hour"
        return f"*/{self.every // MINUTE} * * * *", f"Every {self.every // MINUTE} minutes"


class Asset(NamedTuple):
    uri: str
    group: str = "asset"


class Window(NamedTuple):
    """A repeated period: it starts `first` seconds after the start of the fake, lasts `length`, and repeats
    `every` seconds."""

    first: float
    length: float
    every: float

    def bounds(self, time):
        """The start, end and number of the period that contains the time; None outside."""
        number = (time - self.first) // self.every
        begin = self.first + number * self.every
        return (begin, begin + self.length, int(number)) if time < begin + self.length else None


class Incidents:
    """Incidents by the time since the start of the fake."""

    def __init__(self, start, failing=None, stuck=None, broken=None, starving=None, dead=None):
        self.start = start
        self.failing = failing or {}  # windows by DAG and task
        self.stuck = stuck or {}
        self.broken = broken or {}  # windows by file
        self.starving = starving or {}  # by pool: the window, and the factor for the duration of its tasks
        self.dead = dead or {}  # windows by component

    def during(self, windows, key, time):
        window = windows.get(key)
        found = window.bounds(time - self.start) if window else None
        return (found[0] + self.start, found[1] + self.start, found[2]) if found else None

    def fails(self, dag_id, task, time):
        return self.during(self.failing, (dag_id, task), time) is not None

    def stuck_until(self, dag_id, task, time):
        found = self.during(self.stuck, (dag_id, task), time)
        return found[1] if found else 0

    def is_broken(self, file, time):
        return self.during(self.broken, file, time)

    def slowness(self, pool, time):
        if pool not in self.starving:
            return 1
        window, factor = self.starving[pool]
        return factor if window.bounds(time - self.start) else 1

    def died_at(self, component, time):
        """The time since which it sends no heartbeat; None while it does."""
        found = self.during(self.dead, component, time)
        return found[0] if found else None

    def comebacks(self, component, time):
        """Each replacement of a dead process up to that time: (death, start)."""
        window = self.dead.get(component)
        while window and self.start + window.first + window.length <= time:
            yield self.start + window.first, self.start + window.first + window.length
            window = window._replace(first=window.first + window.every)

    def alive_at(self, component, time):
        """The time itself, or when the component is back."""
        found = self.during(self.dead, component, time)
        return found[1] if found else time


def table(schema, name):
    return f"postgres://warehouse:5432/shop/{schema}/{name}"


ORDERS, PAYMENTS, CUSTOMERS = table("raw", "orders"), table("raw", "payments"), table("raw", "customers")
REVENUE, SESSIONS = table("main_marts", "revenue_daily"), "s3://lake/clickstream/sessions"
ASSETS = [Asset(ORDERS), Asset(PAYMENTS), Asset(CUSTOMERS), Asset(REVENUE, "marts"),
          Asset(SESSIONS, "lake")]


def pools():
    return [Pool("default_pool", 128, "Default pool"), Pool("adhoc", -1, "No limit"),
            Pool("erp", 2, "What the ERP system bears"),
            Pool("warehouse", 16, "Connections to the warehouse")]


def ingest(name, every, asset, offset=0):
    return Dag(f"ingest_{name}", every,
               Task("extract", 15, retries=2, fails=0.06),
               Task("load", 20, ("extract",), pool="warehouse", outlet=asset),
               Task("check", 5, ("load",), fails=0.01),
               offset=offset, owners="ingestion", tags=("raw", "tier-1"), file="ingest.py")


def erp(name, seconds):
    return Dag(f"erp_sync_{name}", 5 * MINUTE, Task("pull", seconds, retries=1, fails=0.03, pool="erp"),
               Task("publish", 6, ("pull",)), owners="supply-chain", tags=("erp",), file="erp.py")


def dags():
    """All DAGs, in no particular order."""
    return [*data_dags(), *business_dags(), *platform_dags()]


def data_dags():
    """DAGs that load data, and dbt."""
    return [
        ingest("orders", 5 * MINUTE, ORDERS), ingest("payments", 5 * MINUTE, PAYMENTS, MINUTE),
        ingest("customers", 15 * MINUTE, CUSTOMERS),
        erp("products", 55), erp("suppliers", 35), erp("prices", 70),
        Dag("dbt_shop", 0, Task("seed", 6), Task("build", 60, ("seed",), retries=1, fails=0.03,
                                                pool="warehouse", outlet=REVENUE),
            Task("test", 20, ("build",), fails=0.02),
            owners="analytics", tags=("dbt", "tier-1"), asset=ORDERS, one_at_a_time=True),
        Dag("clickstream_sessions", 10 * MINUTE, Task("list_partitions", 4),
            Task("sessionize", 40, ("list_partitions",), retries=1, fails=0.02, parts=(0, 12)),
            Task("merge", 15, ("sessionize",), outlet=SESSIONS), owners="web", tags=("clickstream",)),
    ]


def business_dags():
    """DAGs of business departments."""
    return [
        Dag("marketing_attribution", 30 * MINUTE, Task("spend", 20, retries=1, fails=0.1),
            Task("touchpoints", 25, parts=(3, 6)), Task("model", 90, ("spend", "touchpoints"), fails=0.04),
            Task("export", 8, ("model",), skips=0.3), Task("notify", 3, ("export",)),
            owners="marketing, analytics", tags=("marketing",)),
        Dag("email_campaigns", HOUR, Task("segment", 30),
            Task("is_campaign_day", 2, ("segment",), skips=0.5),
            Task("send", 60, ("is_campaign_day",), parts=(2, 5)), offset=10 * MINUTE,
            owners="marketing", tags=("marketing",)),
        Dag("fraud_scores", 10 * MINUTE, Task("features", 25),
            Task("score", 90, ("features",), queue="gpu"),
            Task("publish", 5, ("score",)), owners="risk", tags=("ml", "tier-1"), one_at_a_time=True),
        Dag("churn_features", HOUR, Task("join", 120, pool="warehouse"), Task("write", 15, ("join",)),
            owners="ml", tags=("ml",), offset=20 * MINUTE),
        Dag("recommendations_train", 6 * HOUR, Task("sample", 300),
            Task("train", 1500, ("sample",), queue="gpu"),
            Task("evaluate", 200, ("train",), fails=0.1), Task("deploy", 20, ("evaluate",)),
            owners="ml", tags=("ml",)),
        Dag("fx_rates", 30 * MINUTE, Task("wait_for_publication", 90, pokes=3),
            Task("load", 5, ("wait_for_publication",)), owners="finance", tags=("finance",)),
        Dag("vendor_feed", 20 * MINUTE, Task("wait_for_file", 180, defers=True),
            Task("import", 30, ("wait_for_file",), retries=1, fails=0.05), owners="supply-chain",
            tags=("erp",)),
    ]


def platform_dags():
    """DAGs that maintain the platform, and abandoned ones."""
    return [
        Dag("data_quality_checks", 15 * MINUTE, Task("row_counts", 10, retries=2, fails=0.3),
            Task("freshness", 10, retries=2, fails=0.2), Task("report", 5, ("row_counts", "freshness")),
            owners="data-platform", tags=("quality",)),
        Dag("inventory_snapshot", 15 * MINUTE, Task("snapshot", 30, pool="erp"), owners="supply-chain",
            tags=("erp",)),
        Dag("support_tickets", 20 * MINUTE, Task("fetch", 15, retries=1, fails=0.1),
            Task("classify", 25, ("fetch",)),
            owners="support", tags=("support",)),
        Dag("search_index", 30 * MINUTE, Task("build", 150), Task("swap", 4, ("build",), fails=0.03),
            owners="web", tags=("search",)),
        Dag("revenue_report", DAY, Task("query", 120, pool="warehouse"), Task("render", 15, ("query",)),
            Task("mail", 3, ("render",)), offset=6 * HOUR, owners="finance", tags=("finance", "tier-1")),
        Dag("finance_close", DAY, Task("freeze", 30), Task("post", 600, ("freeze",), retries=1, fails=0.1),
            offset=2 * HOUR, owners="finance", tags=("finance",)),
        Dag("Kunden.Übersicht", HOUR, Task("lesen", 10), Task("schreiben", 10, ("lesen",)),
            offset=40 * MINUTE, name='Kunden "Übersicht"', owners="daten, ünï", tags=('a "quoted" \\ tag',)),
        Dag("metadata_backup", HOUR, Task("dump", 45), Task("upload", 15, ("dump",)), tags=("platform",)),
        Dag("logs_cleanup", HOUR, Task("delete", 12), offset=30 * MINUTE, tags=("platform",)),
        Dag("gdpr_erasure", DAY, Task("erase", 300), offset=HOUR, owners="legal", tags=("legal",),
            paused=True),
        Dag("legacy_export", 30 * MINUTE, Task("export", 40), gone=-2 * HOUR, owners="nobody",
            tags=("legacy",)),
        Dag("experiment_sizing", 0, Task("size", 20, pool="experiments"), owners="ml", tags=("adhoc",)),
    ]


# Runs without a schedule: DAG, kind, and window.
TRIGGERS = [("experiment_sizing", "manual", Window(-90 * MINUTE, 1, 1000 * DAY)),
            ("marketing_attribution", "manual", Window(7 * MINUTE, 1, 47 * MINUTE)),
            ("revenue_report", "backfill", Window(12 * MINUTE, 1, 25 * MINUTE)),
            ("data_quality_checks", "manual", Window(3 * MINUTE, 1, 95 * MINUTE))]


def incidents(start):
    """Chosen so that the demo shows both problems and recoveries. Each incident lasts longer than its alert waits."""
    return Incidents(
        start,
        failing={("ingest_payments", "extract"): Window(-40 * MINUTE, 65 * MINUTE, 5 * HOUR),
                 ("search_index", "build"): Window(50 * MINUTE, 80 * MINUTE, 7 * HOUR)},
        stuck={("fraud_scores", "score"): Window(-55 * MINUTE, 100 * MINUTE, 6 * HOUR)},
        broken={"support_tickets.py": Window(-10 * MINUTE, 40 * MINUTE, 110 * MINUTE)},
        starving={"erp": (Window(-15 * MINUTE, 50 * MINUTE, 3 * HOUR), 4)},
        dead={"triggerer": Window(10 * MINUTE, 15 * MINUTE, 2 * HOUR),
              "dag_processor": Window(70 * MINUTE, 15 * MINUTE, 4 * HOUR)})
