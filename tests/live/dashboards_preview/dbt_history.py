"""Two made-up projects of dbt for history.py: one runs every hour, the other every six.

A model fails and another is skipped for it, tests fail and warn, a source is late, one model gets slower.
"""

import collections
import math
import random

WEEK = 7 * 86400
PAST = 9 * 86400  # the longest that rules look back
Node = collections.namedtuple("Node", "type name owner seconds rows also", defaults=(0, None))
FINANCE, GROWTH, PLATFORM = "finance@example.com", "growth@example.com", "platform@example.com"
MODELS = {  # project: models, with the seconds that they take and the rows that they write
    "shop": [
        Node("model", "stg_customers", PLATFORM, 3, 0, "view"),
        Node("model", "stg_orders", PLATFORM, 4, 0, "view"),
        Node("model", "stg_payments", PLATFORM, 4, 0, "view"),
        Node("model", "stg_web_events", PLATFORM, 6, 0, "view"),
        Node("model", "orders", FINANCE, 140, 2.1e6, "incremental"),
        Node("model", "order_payments", FINANCE, 65, 8e5, "incremental"),
        Node("model", "customers", GROWTH, 88, 4.1e5, "table"),
        Node("model", "sessions", GROWTH, 230, 6e6, "incremental"),
        Node("model", "attribution", GROWTH, 120, 1.2e6, "table"),
        Node("model", "churn_scores", GROWTH, 45, 4e5, "table"),
        Node("model", "churn_by_country", GROWTH, 9, 61, "table"),
        Node("seed", "countries", "", 1.2, 249, "seed"),
        Node("snapshot", "customers_history", PLATFORM, 31, 1200, "snapshot"),
    ],
    "ledger": [
        Node("model", "stg_bookings", FINANCE, 7, 0, "view"),
        Node("model", "balances", FINANCE, 310, 9e6, "table"),
        Node("model", "month_end", FINANCE, 52, 1.1e4, "table"),
    ],
}  # fmt: skip
TESTS = {  # project: tests, with the severity and what they test
    "shop": [
        Node("test", "unique_orders_order_id", FINANCE, 2, 0, ("ERROR", "orders")),
        Node("test", "not_null_orders_customer_id", FINANCE, 2, 0, ("ERROR", "orders")),
        Node("test", "relationships_order_payments_order_id", FINANCE, 3, 0, ("ERROR", "order_payments")),
        Node("test", "no_free_payments", FINANCE, 1, 0, ("ERROR", "order_payments")),
        Node("test", "accepted_values_customers_country", GROWTH, 2, 0, ("WARN", "customers")),
        Node("test", "unique_sessions_session_id", GROWTH, 9, 0, ("ERROR", "sessions")),
    ],
    "ledger": [Node("test", "balances_add_up", FINANCE, 12, 0, ("ERROR", "balances"))],
}
SOURCES = {  # project: name: (age when measured, warns after, fails after)
    "shop": {"customers": (1500, 21600, 86400), "orders": (420, 3600, 10800),
             "payments": (15800, 3600, 10800), "web_events": (2900, 1800, 7200)},
    "ledger": {"bookings": (9100, 43200, 86400)},
}  # fmt: skip
EXPOSURES = {"shop": {"revenue_board": FINANCE, "win_back_mail": GROWTH}, "ledger": {"annual_report": FINANCE}}
COVERED = {
    "model": {"tests": 0.8, "description": 0.65, "owner": 1, "primary_key_test": 0.5, "contract": 0.2},
    "source": {"tests": 0.4, "description": 0.6, "owner": 1, "freshness": 1},
    "snapshot": {"tests": 0, "description": 1, "owner": 1},
    "seed": {"tests": 0, "description": 0, "owner": 0},
}  # fmt: skip
PAUSES = {"shop": 3600, "ledger": 6 * 3600}
RUN = {"shop": 640, "ledger": 400}  # seconds of a whole run
# Of shop: which of the last runs something has failed in, and the rows that tests found.
FAILS = {"churn_scores": 2, "no_free_payments": 5, "relationships_order_payments_order_id": 1}
FOUND = {"no_free_payments": 41, "relationships_order_payments_order_id": 3,
         "accepted_values_customers_country": 12}


class Project:
    """What its runs have come to, as functions of the time."""

    def __init__(self, history, at, name):
        self.history, self.name, self.pause = history, name, PAUSES[name]
        self.at = dict(at, project=name)
        self.last = history.now - 780  # the end of the last run

    def run_at(self, time):
        """The end of the last run before a time."""
        return self.last - -(-max(0, self.last - time) // self.pause) * self.pause

    def runs_ago(self, time):
        return round((self.last - self.run_at(time)) / self.pause)

    def add(self, metric, value, **labels):
        self.history.add(metric, value, **self.at, **labels)

    def id_of(self, node):
        return f"{node.type}.{self.name}.{node.name}"

    def write(self):
        for node in MODELS[self.name] + TESTS[self.name]:
            self.describe(node)
            self.history_of(node)
            self.past_of(node)
        for name, owner in EXPOSURES[self.name].items():
            self.exposure(name, owner)
        for name, ages in SOURCES[self.name].items():
            self.source(name, *ages)
        self.invocations()
        self.runs()
        self.counts()
        self.artifacts()
        if self.name == "shop":
            self.cloud()

    def describe(self, node):
        is_test = node.type == "test"
        severity, tested = node.also if is_test else ("", "")
        self.info(self.id_of(node), name=node.name, owner=node.owner,
                  materialized="" if is_test else node.also, severity=severity.lower(),
                  tested=f"model.{self.name}.{tested}" if is_test else "")
        self.add("dbt_node_last_run_origin_info", 1, unique_id=self.id_of(node), dag_id=f"dbt_{self.name}",
                 task_id="build", warehouse="")  # fmt: skip

    def info(self, unique_id, **labels):
        same = {"package": self.name, "resource_type": unique_id.partition(".")[0]}
        for label in ("materialized", "severity", "tested", "database", "schema", "group", "access", "path"):
            same[label] = ""
        self.add("dbt_node_info", 1, unique_id=unique_id, **(same | labels))

    def took(self, node, time):
        """How long the run before that time took: some get slower, one is slow all of a sudden."""
        run = self.run_at(time)
        chance = random.Random(f"{node.name}{run}").uniform(0.85, 1.2)
        slower = 1 + max(0, run - self.history.start) / 60000 if node.name == "sessions" else 1
        sudden = 2.9 if node.name == "attribution" and run == self.last else 1
        return node.seconds * chance * slower * sudden

    def failing(self, node):
        """How many of its last runs have failed."""
        return FAILS.get(node.name, 0) if self.name == "shop" else 0

    def is_skipped(self, node, time):
        return node.name == "churn_by_country" and self.runs_ago(time) < FAILS["churn_scores"]

    def status_of(self, node, time):
        is_test = node.type == "test"
        if self.is_skipped(node, time):
            return "skipped"
        if self.runs_ago(time) < self.failing(node):
            return "fail" if is_test else "error"
        if is_test:
            return "warn" if node.also[0] == "WARN" else "pass"
        return "success"

    def history_of(self, node):
        to = {"unique_id": self.id_of(node)}
        failing, warns = self.failing(node), self.status_of(node, self.history.now) == "warn"
        for status in ("success", "error", "skipped", "pass", "fail", "warn"):
            self.add("dbt_node_last_status",
                     lambda t, s=status: 1 if self.status_of(node, t) == s else None, **to, status=status)

        def ran(time):
            return self.run_at(time) - 2 * self.pause * self.is_skipped(node, time)

        self.add("dbt_node_last_run_timestamp_seconds", ran, **to)
        self.add("dbt_node_last_success_timestamp_seconds",
                 lambda t: min(self.last - failing * self.pause, ran(t)) - WEEK * warns, **to)
        self.add("dbt_node_execution_seconds", lambda t: self.took(node, t), **to)
        self.add("dbt_node_consecutive_failures", lambda t: max(0, failing - self.runs_ago(t)), **to)
        if node.type == "test":
            self.add("dbt_test_failures", lambda t: self.found(node, t), **to)
        elif node.rows:
            self.add("dbt_node_rows_affected", lambda t: int(self.size(node, t)), **to)
            self.add("dbt_node_bytes_processed", lambda t: 410 * self.size(node, t), **to)
            self.add("dbt_table_rows", node.rows * 21, **to)
            self.add("dbt_table_bytes", node.rows * 1900, **to)

    def found(self, node, time):
        """The rows that a test finds."""
        is_good = self.status_of(node, time) == "pass"
        return 0 if is_good else FOUND[node.name] + self.runs_ago(time) // 2

    def size(self, node, time):
        """The rows that a model writes: more where it takes longer."""
        return node.rows * self.took(node, time) / node.seconds

    def past_of(self, node):
        """What the rules look at of the days before, and have recorded in them."""
        to = {"unique_id": self.id_of(node)}
        history = self.history
        runs = range(self.run_at(history.now - PAST + 7200), history.start - self.pause, self.pause)
        history.add_at("dbt_node_last_run_timestamp_seconds", self.run_at,
                       range(history.start - PAST - 600, history.now - PAST + 300, 240), **self.at, **to)
        history.add_at("node:dbt_run_pause:seconds", self.pause, runs, **self.at, **to)
        if node.type != "test":
            history.add_at("node:dbt_run_execution:seconds", lambda t: self.took(node, t), runs, **self.at, **to)

    def exposure(self, name, owner):
        to = {"unique_id": f"exposure.{self.name}.{name}", "name": name, "owner": owner}
        failing = 2 if name == "win_back_mail" else 1 if name == "revenue_board" else 0
        self.add("dbt_exposure_failing_nodes", lambda t: failing if self.runs_ago(t) < failing + 1 else 0, **to)
        self.info(**to)

    def source(self, name, age, warn, error):
        to = {"unique_id": f"source.{self.name}.raw.{name}"}
        self.info(**to, name=name, owner=PLATFORM)

        def measured(time):
            return time - time % 1800

        def loaded(time):
            stuck = measured(self.history.now) - age
            return min(stuck, measured(time) - 400) if age > warn else measured(time) - age

        def is_in(time, low, high):
            """Not for as long as Prometheus looks back, when another one begins."""
            return 1 if all(low <= measured(t) - loaded(t) < high for t in (time, time + 300)) else None

        self.add("dbt_source_max_loaded_at_timestamp_seconds", loaded, **to)
        self.add("dbt_source_snapshotted_at_timestamp_seconds", measured, **to)
        self.add("dbt_source_freshness_warn_after_seconds", warn, **to)
        self.add("dbt_source_freshness_error_after_seconds", error, **to)
        self.add("dbt_source_freshness_missing", 0, **to)
        for status, low, high in (("pass", 0, warn), ("warn", warn, error), ("error", error, 1e9)):
            self.add("dbt_source_freshness_status", lambda t, b=(low, high): is_in(t, *b), **to, status=status)

    def invocations(self):
        fails = self.name == "shop"
        for command, seconds, ended in (("build", RUN[self.name], self.run_at),
                                        ("source freshness", 21, lambda t: t - t % 1800)):
            to = {"command": command}
            self.add("dbt_invocation_info", 1, **to, invocation_id="", dbt_version="1.11.14")
            self.add("dbt_invocation_last_timestamp_seconds", ended, **to)
            self.add("dbt_invocation_elapsed_seconds",
                     lambda t, s=seconds, e=ended: s * random.Random(f"{s}{e(t)}").uniform(0.9, 1.3), **to)
            self.add("dbt_invocation_failed", int(fails), **to)
        models, tests = len(MODELS[self.name]), len(TESTS[self.name])
        for kind, status, count in (("model", "success", models - 2 * fails), ("model", "error", fails),
                                    ("model", "skipped", fails), ("test", "pass", tests - 3 * fails),
                                    ("test", "fail", 2 * fails), ("test", "warn", fails)):
            if count:
                self.add("dbt_invocation_results", int(count), command="build", resource_type=kind, status=status)
        for status, count in (("pass", len(SOURCES[self.name]) - 2 * fails), ("warn", fails), ("error", fails)):
            if count:
                self.add("dbt_invocation_results", int(count), command="source freshness", resource_type="source",
                         status=status)
        self.add("dbt_invocation_incomplete", 0)

        self.add("dbt_invocations_total", lambda t: 500 - self.runs_ago(t), command="build",
                 outcome="failure" if fails else "success")
        self.add("dbt_invocations_total", lambda t: t // 1800 - 1e6, command="source freshness",
                 outcome="failure" if fails else "success")

    def runs(self):
        """Counters of nodes and of their time."""
        for node in MODELS[self.name] + TESTS[self.name]:
            to, failing = {"unique_id": self.id_of(node)}, self.failing(node)
            bad, good = ("fail", "pass") if node.type == "test" else ("error", "success")
            self.add("dbt_node_runs_total", lambda t, f=failing: 300 - max(self.runs_ago(t), f),
                     **to, status=good)
            self.add("dbt_node_runs_total", lambda t, f=failing: 9 + max(0, f - self.runs_ago(t)),
                     **to, status=bad)
        for kind in ("model", "test"):
            nodes = [node for node in MODELS[self.name] + TESTS[self.name] if node.type == kind]
            to = {"resource_type": kind}
            for bound in (1.0, 10.0, 60.0, 300.0, 600.0, math.inf):
                below = sum(node.seconds <= bound for node in nodes)
                self.add("dbt_execution_seconds_bucket", lambda t, b=below: b * (500 - self.runs_ago(t)), **to,
                         le="+Inf" if bound == math.inf else str(bound))
            self.add("dbt_execution_seconds_count", lambda t, n=len(nodes): n * (500 - self.runs_ago(t)), **to)
            self.add("dbt_execution_seconds_sum", lambda t, s=sum(node.seconds for node in nodes):
                     s * (500 - self.runs_ago(t)), **to)

    def counts(self):
        counts = collections.Counter(node.type for node in MODELS[self.name] + TESTS[self.name])
        counts |= {"source": len(SOURCES[self.name]), "exposure": len(EXPOSURES[self.name])}
        for kind, count in counts.items():
            self.add("dbt_project_nodes", count, resource_type=kind)
            for by, share in COVERED.get(kind, {}).items():
                self.add("dbt_project_covered_nodes", round(share * count), resource_type=kind, by=by)

    def cloud(self):
        """Its jobs, as dbt Cloud would tell of them."""
        for job, name, ran, took in ((11, "Hourly", self.run_at, 700), (12, "Nightly", lambda t: t // 86400 * 86400, 2900)):
            to, fails = {"job_id": job}, name == "Hourly"
            self.add("dbt_cloud_job_info", 1, **to, name=name, cloud_project="Shop", cloud_environment="Production")
            self.add("dbt_cloud_job_last_status", 1, **to, status="error" if fails else "success")
            self.add("dbt_cloud_job_last_run_timestamp_seconds", ran, **to)
            self.add("dbt_cloud_job_last_success_timestamp_seconds", lambda t, f=fails, r=ran: r(t) - 18000 * f, **to)
            self.add("dbt_cloud_job_running_runs", lambda t, s=took: int(t % 3600 < s), **to)
            self.add("dbt_cloud_job_queued_runs", lambda t, f=fails: int(f and t % 3600 > 3400), **to)
            outcome = "error" if fails else "success"
            self.add("dbt_cloud_job_runs_total", lambda t: 500 - self.runs_ago(t), **to, outcome=outcome)
            for kind, seconds in (("queue", 40), ("run", took), ("total", took + 40)):
                family = f"dbt_cloud_job_{kind}_duration_seconds"
                self.add(f"{family}_sum", lambda t, s=seconds: s * (500 - self.runs_ago(t)), **to)
                self.add(f"{family}_count", lambda t: 500 - self.runs_ago(t), **to)
        self.add("dbt_cloud_unread_runs", 0)

    def artifacts(self):
        self.add("dbt_up", 1)
        for artifact, size, version in (("manifest", 7.4e6, 12), ("run_results", 3.1e5, 6), ("sources", 9e3, 3),
                                        ("catalog", 8e5, 1)):
            to = {"artifact": artifact, "location": f"/srv/{self.name}/target"}
            self.add("dbt_artifact_readable", 1, **to)
            self.add("dbt_artifact_timestamp_seconds", self.run_at, **to)
            self.add("dbt_artifact_size_bytes", size, **to)
            self.add("dbt_artifact_schema_version", version, **to)
        self.history.count("dbt_artifact_read_failures_total",
                           lambda t: 1 / 600 if self.history.now - 8000 < t < self.history.now - 7000 else 0,
                           **self.at, artifact="run_results", reason="decode")


def write(history, at):
    """Adds what the exporter there says of its projects."""
    for name in MODELS:
        Project(history, at, name).write()
