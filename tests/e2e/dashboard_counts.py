"""Checks that a panel that counts events shows each event once, for any range and at any time.

Prometheus has a day of data in which the counters of the jobs, each with its scrape interval, count events
of the day's last hour. There are events while the exporter was not reached, as the first value of a series,
right after Prometheus saw the exporter for the first time, and around a restart.
"""

import collections
import contextlib
import math
import re
import subprocess
import tempfile
from pathlib import Path

import support
from dashboard_data import all_of, ask
from dashboard_project import scrape_intervals
from dashboard_view import View

NOW = 1_750_000_080  # a full minute
DAY, HOUR, MINUTE = 86400, 3600, 60
RANGES = (HOUR, 6 * HOUR, DAY)
PHASES = (0, 15, 30, 45)  # seconds of the minute in which the page is loaded
WIDTH = 520  # pixels; a panel of a third of the dashboard
COUNTS = re.compile(r"\bincrease\(|\boffset \$__(?:interval|range)\b")

# In minutes before NOW.
OUTAGE = (45, 36)
OF_OLD, OF_NEW = (50, 40, 33), (21, 12)  # for an existing series, and for one that starts with its first event
FIRST_SEEN = 30  # exporters that have been running for long
OF_LATE_OLD, OF_LATE_NEW = (20,), (10,)
RESTART = 25
BEFORE_RESTART, AFTER_RESTART = (28,), (15,)
# Counters that are larger after a restart than before it.
LITTLE_BEFORE, MUCH_SINCE = 2, (15, 10)

Counter = collections.namedtuple("Counter", "metric old new amount", defaults=(1,))
# By job: the amounts of each kind of event. Histograms have buckets of 5 and 30.
LEDGER = [
    Counter("dbt_invocations_total", {"command": "build", "outcome": "success"},
            {"command": "build", "outcome": "failure"}),
    Counter("dbt_node_runs_total", {"unique_id": "model.x.orders", "status": "success"},
            {"unique_id": "model.x.orders", "status": "error"}),
    Counter("dbt_execution_seconds", {"resource_type": "model"}, {"resource_type": "test"}, 10),
    Counter("dbt_cloud_job_runs_total", {"job_id": "11", "outcome": "success"},
            {"job_id": "11", "outcome": "error"}),
    Counter("dbt_cloud_job_queue_duration_seconds", {"job_id": "11"}, None, 10),
    Counter("dbt_cloud_job_run_duration_seconds", {"job_id": "11"}, None, 20),
]  # fmt: skip
DAG, TASK = {"dag_id": "orders"}, {"dag_id": "orders", "task_id": "load"}
AIRFLOW_LEDGER = [
    Counter("airflow_dag_runs_total", {**DAG, "state": "success", "run_type": "scheduled"},
            {**DAG, "state": "failed", "run_type": "manual"}),
    Counter("airflow_task_tries_total", {**TASK, "state": "success"}, {**TASK, "state": "failed"}),
    Counter("airflow_dag_run_duration_seconds", {**DAG, "state": "success"}, {**DAG, "state": "failed"}, 10),
    Counter("airflow_dag_run_schedule_delay_seconds", DAG, None, 10),
    Counter("airflow_task_queue_seconds", TASK, {**TASK, "task_id": "check"}, 10),
    Counter("airflow_task_duration_seconds", TASK, None, 10),
    Counter("airflow_asset_events_total", {"asset": "orders"}, {"asset": "customers"}),
]  # fmt: skip
SNOWFLAKE_LEDGER = [
    Counter("snowflake_queries_total", {"warehouse": "LOAD", "class": "select", "status": "success"},
            {"warehouse": "LOAD", "class": "dml", "status": "fail"}),
    Counter("snowflake_query_duration_seconds", {"warehouse": "LOAD", "class": "select"}, None, 10),
]  # fmt: skip
Source = collections.namedtuple("Source", "label up counters described")
SALES = {"dataset": "shop", "currency": "EUR"}
SQL_LEDGER = [
    Counter(metric, {**SALES, "campaign": "spring"}, {**SALES, "campaign": ""})
    for metric in ("business_orders_total", "business_order_amount_total")
]
TABLE = {"dataset": "shop.orders"}
CHECK = {**TABLE, "check": "not_null", "column": "email"}
REPLICA = {"replica": "shop_ro", "table": "orders"}
SOURCES = {  # by job
    "dbt": Source("project", "dbt_up", LEDGER, {
        "dbt_node_info": {"unique_id": "model.x.orders", "name": "orders"},
        "dbt_node_execution_seconds": {"unique_id": "model.x.orders"}}),
    "airflow": Source("deployment", "airflow_up", AIRFLOW_LEDGER, {
        "airflow_dag_info": DAG, "airflow_dag_last_run_duration_seconds": DAG,
        "airflow_asset_info": {"asset": "orders"},
        "airflow_asset_last_event_timestamp_seconds": {"asset": "orders"}}),
    "snowflake": Source("account", "snowflake_up", SNOWFLAKE_LEDGER, {
        "snowflake_warehouse_info": {"warehouse": "LOAD", "size": "Small", "resource_monitor": "LOAD_LIMIT"},
        "snowflake_resource_monitor_used_credits": {"resource_monitor": "LOAD_LIMIT"},
        "snowflake_resource_monitor_quota_credits": {"resource_monitor": "LOAD_LIMIT"},
        "snowflake_warehouse_auto_suspend_seconds": {"warehouse": "LOAD"},
        "snowflake_dynamic_table_target_lag_seconds": {"dataset": "shop.mart.orders"},
        "snowflake_replication_group_info": {"member": "DR", "group": "SHOP"},
        "snowflake_replication_group_suspended": {"member": "DR", "group": "SHOP"}}),
    "sql": Source("source", "sql_up", SQL_LEDGER, {
        "sql_quality_table_info": TABLE, "sql_quality_table_empty": TABLE, "sql_quality_rows": TABLE,
        "sql_quality_newest_timestamp_seconds": {**TABLE, "of": "event"},
        "sql_quality_max_age_seconds": {**TABLE, "of": "event"},
        "sql_quality_failing_rows": CHECK, "sql_quality_failing_ratio_limit": CHECK,
        "sql_quality_check_success": CHECK, "sql_quality_last_success_timestamp_seconds": CHECK,
        "sql_quality_interval_seconds": CHECK,
        "sql_quality_period_rows": TABLE, "sql_quality_period_rows_baseline": TABLE,
        "sql_quality_volume_rows_min": TABLE,
        "sql_quality_volume_ratio_limit": {**TABLE, "bound": "min"},
        "sql_quality_schema_changed_timestamp_seconds": TABLE, "sql_quality_columns_missing": TABLE,
        "sql_quality_reconciliation_difference": {**TABLE, "reconciliation": "orders", "measure": "rows"},
        "sql_quality_reconciliation_difference_limit": {**TABLE, "reconciliation": "orders", "measure": "rows"},
        "sql_replication_lag_seconds": REPLICA, "sql_replication_max_lag_seconds": REPLICA,
        "sql_replication_state": {"replica": "shop_ro", "channel": "", "state": "replicating"},
        "business_data_max_age_seconds": {"dataset": "shop"},
        "business_period_revenue": {**SALES, "period": "day"},
        "business_period_revenue_baseline": {**SALES, "period": "day"},
        "business_active_users": {"dataset": "shop", "window": "1d"},
        "business_active_users_baseline": {"dataset": "shop"}}),
}  # fmt: skip
# Metrics with the owner of an object.
OWNED = ("dbt_node_info", "sql_quality_table_info", "sql_quality_columns_missing",
         "sql_quality_schema_changed_timestamp_seconds")
OF_LIMITS = re.compile(r"sql_\w+_(?:limit|max_age_seconds|max_lag_seconds)")
# Scrape intervals in seconds that differ from those of the job.
OWN_INTERVALS = {"airflow1": 15, "airflow2": 60, "airflow5": 60}
OF_THE_PROCESS = {
    "dbt": [
        Counter("dbt_artifact_read_failures_total", {"artifact": "manifest", "reason": "decode"},
                {"artifact": "manifest", "reason": "io"}),
        Counter("exporter_upstream_requests_total", {"upstream": "x", "code": "200"},
                {"upstream": "x", "code": "503"}),
    ],
    "host": [
        Counter("exporter_collector_failures_total", {"collector": "x", "reason": "timeout"},
                {"collector": "x", "reason": "io"}),
        Counter("container_restarts_total", {"name": "old"}, {"name": "new"}),
        Counter("container_oom_events_total", {"name": "old"}, {"name": "new"}),
        Counter("node_vmstat_oom_kill", {}, None),
    ],
    "prometheus": [Counter("prometheus_rule_evaluation_failures_total", {"rule_group": "x"}, None)],
    "alertmanager": [Counter("alertmanager_notifications_total", {"integration": "slack"}, None),
                     Counter("alertmanager_notifications_failed_total", {"integration": "slack"}, None)],
}  # fmt: skip
# Metrics of which a table shows only the events since the restart.
IN_TABLES = {"exporter_upstream_requests_total", "container_restarts_total", "container_oom_events_total"}


def is_counting(query):
    return bool(COUNTS.search(query.expr))


class Day:
    """The samples that Prometheus has scraped, as OpenMetrics text."""

    def __init__(self, root):
        self.intervals = scrape_intervals(root)
        self.families = collections.defaultdict(list)
        for job, source in SOURCES.items():
            self._source(job, 1, "shop", phase=37)
            self._source(job, 2, "shop", phase=7)  # another exporter of the same project
            self._source(job, 3, "late", phase=52, first=FIRST_SEEN)
            at = {"job": job, "instance": f"{job}4", source.label: "forgetful"}
            self._restarted(at, source.counters)
            at = {"job": job, "instance": f"{job}5", source.label: "grown"}
            self._outgrown(at, source.counters)
        for job, counters in OF_THE_PROCESS.items():
            for number, first in enumerate((None, FIRST_SEEN)):
                self._process(job, counters, f"{job}{number}", first)
            at = {"job": job, "instance": f"{job}-restarted"}
            if job == "dbt":
                at["project"] = "restarted"
            self._restarted(at, counters)
        for job, counters in OF_THE_PROCESS.items():
            at = {"job": job, "instance": f"{job}-grown"}
            if job == "dbt":
                at["project"] = "grown-process"
            self._outgrown(at, counters)

    def _times(self, job, instance, phase, first=None):
        every = OWN_INTERVALS.get(instance, self.intervals[job])
        since = NOW - (first * MINUTE if first else DAY + HOUR)
        for time in range(since // MINUTE * MINUTE + phase, NOW + MINUTE, every):
            if first or not OUTAGE[1] * MINUTE <= NOW - time < OUTAGE[0] * MINUTE:
                yield time

    def _add(self, metric, labels, value, times):
        text = ",".join(f'{name}="{label}"' for name, label in labels.items())
        samples = [(value(time), time) for time in times]
        self.families[metric] += [f"{metric}{{{text}}} {amount} {time}\n"
                                  for amount, time in samples if amount is not None]  # fmt: skip

    def _count(self, counter, labels, base, events, times):
        """Adds a series that starts with `base`, or with the first event if that is 0."""
        def value(time, amount=1):
            count = base + sum(time >= NOW - event * MINUTE for event in events)
            return amount * count if count else None

        if counter.amount == 1:
            self._add(counter.metric, labels, value, times)
            return
        for name in ("sum", "count"):
            amount = counter.amount if name == "sum" else 1
            self._add(f"{counter.metric}_{name}", labels, lambda t, a=amount: value(t, a), times)
        for bound in ("5.0", "30.0", "+Inf"):
            self._add(f"{counter.metric}_bucket", labels | {"le": bound},
                      lambda t, b=float(bound): value(t, int(counter.amount <= b)), times)  # fmt: skip

    def _counters(self, counters, of_target, times, first):
        old, new = (OF_LATE_OLD, OF_LATE_NEW) if first else (OF_OLD, OF_NEW)
        for counter in counters:
            self._count(counter, of_target | counter.old, 500 if first else 40, old, times)
            if counter.new:
                self._count(counter, of_target | counter.new, 0, new, times)

    def _source(self, job, number, name, phase, first=None):
        """Adds a source of the exporter with this number."""
        source = SOURCES[job]
        at = {"job": job, "instance": f"{job}{number}", source.label: name}
        times = list(self._times(job, at["instance"], phase, first))
        self._add(source.up, at, lambda _: 1, times)
        self._describe(at, times)
        self._counters(source.counters, at, times, first)

    def _describe(self, at, times):
        """Adds a node or a DAG with a different owner for each exporter, as production and staging have."""
        for metric, labels in SOURCES[at["job"]].described.items():
            own = {"owner": f"owner of {at['instance']}"} if metric in OWNED or OF_LIMITS.fullmatch(metric) else (
                {"owners": f"owner of {at['instance']}", "url": "http://x"} if metric == "airflow_dag_info" else {})
            self._add(metric, at | labels | own, lambda _: 1, times)

    def _process(self, job, counters, instance, first):
        times = list(self._times(job, instance, 11, first))
        at = {"job": job, "instance": instance}
        self._add("exporter_build_info", at, lambda _: 1, times)
        if job == "dbt":
            at["project"] = "first" if first else "old"
            self._add("dbt_up", at, lambda _: 1, times)
        self._counters(counters, at, times, first)

    def _restarted(self, at, counters):
        """Adds counters that start from 0 after a restart; in an in-memory ledger, from the run whose
        results still exist."""
        old, new = self._around_restart(at)
        for counter in counters:
            to = at | counter.old
            is_ledger = counters is not OF_THE_PROCESS.get(at["job"])
            before = () if is_ledger or counter.metric in IN_TABLES else BEFORE_RESTART
            self._count(counter, to, 70, before, old)
            self._count(counter, to, int(is_ledger), AFTER_RESTART, new)

    def _outgrown(self, at, counters):
        """Adds counters that are larger after a restart than before it. There is an event at the first
        scrape since; in an in-memory ledger, one whose results still exist."""
        old, new = self._around_restart(at)
        if counters is not OF_THE_PROCESS.get(at["job"]):
            self._describe(at, old + new)
        for counter in counters:
            to = at | (counter.new or counter.old)
            self._count(counter, to, LITTLE_BEFORE, (), old)
            self._count(counter, to, 1, MUCH_SINCE, new)

    def _around_restart(self, at):
        """The times of this target's scrapes before the restart and since."""
        restart = NOW - RESTART * MINUTE
        times = list(self._times(at["job"], at["instance"], 3))
        source = SOURCES.get(at["job"])
        for witness in ("exporter_build_info", *([source.up] if source else [])):
            self._add(witness, at, lambda _: 1, times)
        return ([time for time in times if time < restart],
                [time for time in times if time >= restart])  # fmt: skip

    def write(self, path):
        with path.open("w") as out:
            for name, lines in self.families.items():
                out.write(f"# TYPE {name} unknown\n")
                out.writelines(lines)
            out.write("# EOF\n")


@contextlib.contextmanager
def serving(root):
    """Runs a Prometheus with the data of the day. Yields its address."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Day(root).write(folder / "day.om")
        subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "day.om",
                        folder / "data"], check=True, capture_output=True)  # fmt: skip
        (folder / "prometheus.yml").write_text("{}")
        url = f"http://127.0.0.1:{support.free_port()}"
        with support.Process([
            "prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address={url.removeprefix('http://')}",
        ]) as prometheus:  # fmt: skip
            prometheus.wait_for_lines("Server is ready")
            yield url


def total(url, query, view, variables):
    """The sum of all values that the query returns."""
    call, parameters = view.request(query, variables)
    found = ask(url, call, **parameters)
    values = [value for series in found for value in series.get("values") or [series["value"]]]
    return sum(float(value) for _, value in values)


def problems(root, dashboards, expected):
    """Panels that count otherwise than expected or are not listed, and queries that fail."""
    counting = [(board, query) for board in dashboards for query in board.panel_queries()
                if is_counting(query)]  # fmt: skip
    places = {(query.file, query.place) for _, query in counting}
    found = [f"{expected.path.name}: counts: {file}: {place} does not count"
             for file, place in expected.counts if (file, place) not in places]  # fmt: skip
    if not counting:
        return found
    with serving(root) as url:
        for board, query in counting:
            found += _of_query(url, board, query, expected.counts.get((query.file, query.place)))
        for board in dashboards:
            found += _errors(url, board)
    return found


def _of_query(url, board, query, wanted):
    if wanted is None:
        yield f"{query.file}: {query.place}: counts, and no one says what it has to show"
        return
    for seconds_shown in RANGES:
        for phase in PHASES:
            view = View(NOW + phase, seconds_shown, WIDTH)
            try:
                shown = total(url, query, view, all_of(board))
            except ValueError as error:
                yield f"{query.file}: {query.place}: of several exporters: {error}"
                return
            if not math.isclose(shown, wanted, rel_tol=1e-9):
                yield (f"{query.file}: {query.place}: shows {shown:g} instead of {wanted:g}"
                       f" in {seconds_shown // HOUR} h, {phase} s after the minute")
                return


def _errors(url, board):
    """The errors of the queries that do not count."""
    for query in board.panel_queries():
        if is_counting(query):
            continue
        call, parameters = View(NOW, HOUR, WIDTH).request(query, all_of(board))
        try:
            ask(url, call, **parameters)
        except ValueError as error:
            yield f"{query.file}: {query.place}: of several exporters: {error}"
