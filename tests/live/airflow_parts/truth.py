"""The expected page of the exporter, computed from the metadata database, family by family."""

import collections
import dataclasses
import math
import time
import urllib.parse

from configured import EXCLUDED, required, unmatched
from database import timestamp
from deployments import UNHEALTHY_AFTER

LIVE = ("running", "queued", "scheduled", "deferred", "up_for_retry", "up_for_reschedule", "restarting")
ENDED = ("success", "failed", "up_for_retry", "skipped", "upstream_failed", "removed")
JOBS = {"SchedulerJob": "scheduler", "TriggererJob": "triggerer", "DagProcessorJob": "dag_processor"}
COMPUTED = {}  # by family: the function of a Reading that returns its samples

# Families that the database has no data for. Names with these prefixes are the exporter's own.
NOT_IN_THE_DATABASE = {
    "exporter_": "the exporter itself",
    "process_": "the exporter itself",
    "airflow_dags_hidden": "of the exporter's configuration, which sets no limit here",
}


def family(*names):
    """Registers a function that returns (name, labels, value) for these families. A pair of values is the
    range of allowed values."""

    def register(function):
        for name in names:
            COMPUTED[name] = function
        return function

    return register


def series(name, **labels):
    """The series as in Prometheus, where a label with an empty value is missing."""
    return frozenset({"__name__": name, **{key: value for key, value in labels.items() if value}}.items())


@dataclasses.dataclass
class End:
    """The end of a run or of a try of a task."""

    row: dict
    state: str  # the first one seen, which counts
    when: float


class History:
    """Everything that ended, including what is no longer in the database, which keeps only the last end of
    a run and nothing that was deleted. It must be read before each manual change."""

    def __init__(self):
        self.runs, self.tries = {}, {}

    def read(self, runs, tasks, earlier):
        by_id = {(run["dag_id"], run["run_id"]): run for run in runs}
        for run in runs:
            if run["state"] in ("success", "failed") and run["end_date"]:
                key = (run["dag_id"], run["run_id"], run["end_date"])
                end = self.runs.setdefault(key, End(run, run["state"], run["end_date"]))
                end.row = run
        for row in tasks:
            self.note_try(row, by_id[row["dag_id"], row["run_id"]], row["state"])
        for row in earlier:
            # A retry is "failed" in this table.
            state = "up_for_retry" if row["state"] == "failed" else row["state"]
            self.note_try(row, by_id[row["dag_id"], row["run_id"]], state)

    def note_try(self, row, run, state):
        if state not in ENDED:
            return
        number = row["try_number"]
        if never_ran(row):
            number = row.get("id") or run["start_date"]
        key = (row["dag_id"], row["run_id"], row["task_id"], row["map_index"], number)
        when = row["end_date"] or run["end_date"] or row["start_date"] or run["start_date"]
        self.tries.setdefault(key, End(row, state, when))


def never_ran(row):
    return row["try_number"] == 0 or row["state"] == "upstream_failed"


class Reading:
    """The contents of the database at one moment."""

    TIMES = ("start_date", "end_date", "queued_at", "queued_dttm", "scheduled_dttm", "due", "timestamp",
             "latest_heartbeat", "next_dagrun_create_after", "last_parsed_time")  # fmt: skip

    def __init__(self, airflow, history):
        self.airflow, self.history, self.time = airflow, history, time.time()
        self.shown_by = None  # when the exporter had read all of it
        self.is_3 = airflow.release.startswith("3")
        due = "run_after" if self.is_3 else "data_interval_end"
        task = ("dag_id, run_id, task_id, map_index, try_number, state, pool, queue, queued_dttm, start_date, "
                "end_date")  # fmt: skip
        self.runs = self.rows("select dag_id, run_id, state, run_type, queued_at, start_date, end_date, "
                              f"{due} as due from dag_run")  # fmt: skip
        self.tasks = self.rows(f"select {task}{', id, scheduled_dttm' if self.is_3 else ''} from task_instance")
        earlier = self.rows(f"select {task}{', task_instance_id as id' if self.is_3 else ''} "
                            "from task_instance_history")  # fmt: skip
        self.dags = self.rows(
            "select dag_id, dag_display_name, owners, is_paused, has_import_errors, next_dagrun_create_after, "
            "last_parsed_time, " + ("is_stale, timetable_summary" if self.is_3 else
                                    "not is_active as is_stale, schedule_interval, timetable_description")
            + " from dag")  # fmt: skip
        self.tags = self.rows("select dag_id, name from dag_tag order by name")
        self.errors = self.rows(f"select id, filename{', bundle_name' if self.is_3 else ''} from import_error")
        self.pools = self.rows("select pool, slots, include_deferred from slot_pool")
        self.warnings = self.rows("select dag_id, warning_type from dag_warning")
        self.jobs = self.rows("select job_type, state, latest_heartbeat from job where job_type in "
                              f"({', '.join(repr(kind) for kind in JOBS)})")  # fmt: skip
        self.assets = self.rows(
            'select id, name, uri, "group" from asset where (name, uri) in (select name, uri from asset_active)'
            if self.is_3 else
            "select id, uri, uri as name from dataset where not is_orphaned")  # fmt: skip
        self.producers = self.rows(
            "select asset_id, dag_id, task_id from task_outlet_asset_reference" if self.is_3 else
            "select dataset_id as asset_id, dag_id, task_id from task_outlet_dataset_reference")  # fmt: skip
        self.asset_events = self.rows(
            "select asset_id, timestamp from asset_event" if self.is_3 else
            "select dataset_id as asset_id, timestamp from dataset_event")  # fmt: skip
        history.read(self.runs, self.tasks, earlier)

    def rows(self, sql):
        rows = self.airflow.database.rows(sql)
        for row in rows:
            row.update({name: timestamp(row[name]) for name in self.TIMES if name in row})
        return [row for row in rows if row.get("dag_id") != EXCLUDED]

    def expected(self, families, shown):
        """{family: {series: value}}. Only the bounds of histograms and the start of counting are taken from
        the page."""
        self.shown = shown
        result = {}
        for name in families:
            result[name] = {series(each, deployment="airflow", **labels): value
                            for each, labels, value in COMPUTED[name](self) if each.startswith(name)}  # fmt: skip
        return result

    def since(self, ledger):
        """The exporter's first start: what ended before does not count."""
        return self.shown[frozenset({"__name__": "exporter_ledger_start_timestamp_seconds", "ledger": ledger,
                                     "source": "airflow"}.items())]  # fmt: skip

    def counted_runs(self):
        return [end for end in self.history.runs.values() if end.when >= self.since("airflow")]

    def counted_tries(self):
        return [end for end in self.history.tries.values() if end.when >= self.since("airflow_tasks")]

    def histogram(self, name, observations):
        """The samples for (labels, seconds). Unknown and negative values are not observed."""
        values = collections.defaultdict(list)
        for labels, value in observations:
            if value is not None and value >= 0:
                values[tuple(labels.items())].append(value)
        bounds = {dict(each)["le"] for each in self.shown if dict(each)["__name__"] == f"{name}_bucket"}
        for labels, seconds in values.items():
            yield f"{name}_count", dict(labels), len(seconds)
            yield f"{name}_sum", dict(labels), sum(seconds)
            for bound in bounds:
                yield f"{name}_bucket", dict(labels) | {"le": bound}, sum(each <= float(bound) for each in seconds)


def difference(row, begin, end):
    return None if row[begin] is None or row[end] is None else row[end] - row[begin]


def counts(name, labels):
    for each, count in collections.Counter(tuple(one.items()) for one in labels).items():
        yield name, dict(each), count


@family("airflow_up")
def up(_):
    yield "airflow_up", {}, 1


@family("airflow_info")
def info(reading):
    pinned = (line for line in reading.airflow.pins.read_text().splitlines() if line.startswith("apache-airflow=="))
    yield "airflow_info", {"version": next(pinned).partition("==")[2]}, 1


@family("airflow_component_healthy", "airflow_component_last_heartbeat_timestamp_seconds", "airflow_component_jobs")
def components(reading):
    yield "airflow_component_healthy", {"component": "metadatabase"}, 1
    for kind, component in JOBS.items():
        jobs = [job for job in reading.jobs if job["job_type"] == kind]
        if not jobs:
            continue
        newest = max(job["latest_heartbeat"] for job in jobs)
        alive = sum(job["state"] == "running" and reading.time - job["latest_heartbeat"] < UNHEALTHY_AFTER
                    for job in jobs)  # fmt: skip
        yield "airflow_component_healthy", {"component": component}, int(alive > 0)
        yield "airflow_component_last_heartbeat_timestamp_seconds", {"component": component}, (newest, newest)
        if reading.is_3:  # the only version with this list
            yield "airflow_component_jobs", {"component": component}, alive


@family("airflow_dag_info", "airflow_dag_paused", "airflow_dag_stale", "airflow_dag_has_import_errors",
        "airflow_dag_next_run_timestamp_seconds", "airflow_dag_last_parsed_timestamp_seconds")  # fmt: skip
def dags(reading):
    for dag in reading.dags:
        labels = {"dag_id": dag["dag_id"]}
        tags = ",".join(tag["name"] for tag in reading.tags if tag["dag_id"] == dag["dag_id"])
        owners = ",".join(owner.strip() for owner in dag["owners"].split(","))
        yield "airflow_dag_info", labels | {
            "dag_name": dag["dag_display_name"] or dag["dag_id"], "schedule": schedule(reading, dag), "tags": tags,
            "owners": owners, "url": f"{reading.airflow.url}/dags/{urllib.parse.quote(dag['dag_id'])}"}, 1  # fmt: skip
        yield "airflow_dag_paused", labels, int(dag["is_paused"])
        yield "airflow_dag_stale", labels, int(dag["is_stale"])
        yield "airflow_dag_has_import_errors", labels, int(dag["has_import_errors"])
        for column, name in (("next_dagrun_create_after", "airflow_dag_next_run_timestamp_seconds"),
                             ("last_parsed_time", "airflow_dag_last_parsed_timestamp_seconds")):  # fmt: skip
            if dag[column] is not None:
                yield name, labels, dag[column]


def schedule(reading, dag):
    if reading.is_3:
        return "" if dag["timetable_summary"] == "None" else dag["timetable_summary"]
    cron = dag["schedule_interval"].strip('"')
    if cron == "null":
        return ""
    return dag["timetable_description"] if cron.startswith("{") else cron


@family("airflow_dag_required_success_timestamp_seconds", "airflow_deadlines_unmatched")
def deadlines(reading):
    yield from required(reading.dags, reading.time)
    yield "airflow_deadlines_unmatched", {}, unmatched(reading.dags)


@family("airflow_dag_warnings")
def warnings(reading):
    yield from counts("airflow_dag_warnings", ({"dag_id": row["dag_id"], "warning": row["warning_type"]}
                                               for row in reading.warnings))  # fmt: skip


@family("airflow_import_errors", "airflow_import_error_first_seen_timestamp_seconds")
def import_errors(reading):
    yield "airflow_import_errors", {}, len(reading.errors)
    for error in reading.errors:
        labels = {"file": error["filename"], "bundle": error.get("bundle_name")}
        changed = (reading.airflow.dags / error["filename"]).stat().st_mtime  # the database has the last attempt
        since = reading.airflow.first_errors.get(error["id"], (changed, reading.shown_by or reading.time))
        if reading.shown_by:
            reading.airflow.first_errors[error["id"]] = since
        yield "airflow_import_error_first_seen_timestamp_seconds", labels, since


@family("airflow_pool_slots", "airflow_pool_used_slots", "airflow_pool_occupied_slots", "airflow_pools_hidden")
def pools(reading):
    hidden = [] if reading.is_3 else [pool for pool in reading.pools if pool["slots"] < 0]
    yield "airflow_pools_hidden", {}, len(hidden)
    for pool in reading.pools:
        if pool in hidden:
            continue
        labels, slots = {"pool": pool["pool"]}, pool["slots"]
        used = collections.Counter(task["state"] for task in reading.tasks if task["pool"] == pool["pool"])
        occupied = used["running"] + used["queued"] + (used["deferred"] if pool["include_deferred"] else 0)
        yield "airflow_pool_slots", labels, slots if slots >= 0 else math.inf
        yield "airflow_pool_occupied_slots", labels, occupied
        for state in ("running", "queued", "scheduled", "deferred"):
            yield "airflow_pool_used_slots", labels | {"state": state}, used[state]


def oldest(name, times):
    first = {}
    for labels, since in times:
        if since is not None:
            key = tuple(labels.items())
            first[key] = min(since, first.get(key, since))
    for labels, since in first.items():
        yield name, dict(labels), since


@family("airflow_runs", "airflow_oldest_run_timestamp_seconds")
def live_runs(reading):
    live = [({"dag_id": run["dag_id"], "state": run["state"]}, run) for run in reading.runs
            if run["state"] in ("running", "queued")]  # fmt: skip
    yield from counts("airflow_runs", (labels for labels, _ in live))
    # Airflow 2 has the time of a queued run, but its API does not return it.
    columns = {"running": "start_date", "queued": "queued_at" if reading.is_3 else None}
    yield from oldest("airflow_oldest_run_timestamp_seconds",
                      ((labels, run.get(columns[run["state"]])) for labels, run in live))  # fmt: skip


@family("airflow_task_instances", "airflow_oldest_task_instance_timestamp_seconds")
def live_tasks(reading):
    live = [task for task in reading.tasks if task["state"] in LIVE]
    yield from counts("airflow_task_instances", (
        {name: task[name] for name in ("dag_id", "pool", "queue", "state")} for task in live))  # fmt: skip
    columns = {"queued": "queued_dttm", "scheduled": "scheduled_dttm", "running": "start_date",
               "deferred": "start_date"}  # fmt: skip
    yield from oldest("airflow_oldest_task_instance_timestamp_seconds", (
        ({"dag_id": task["dag_id"], "state": task["state"]}, task.get(columns.get(task["state"])))
        for task in live))  # fmt: skip


@family("airflow_live_unread", "airflow_unread_runs", "airflow_pools_unread")
def unread(_):
    for name in ("runs", "task_instances"):
        yield "airflow_live_unread", {"list": name}, 0
    yield "airflow_unread_runs", {}, 0
    yield "airflow_pools_unread", {}, 0


@family("airflow_runs_read_timestamp_seconds")
def read_up_to(reading):
    last = max((end.when for end in reading.history.runs.values()), default=0)
    yield "airflow_runs_read_timestamp_seconds", {}, (last, time.time())


def run_type(run):
    return "asset" if run["run_type"] in ("asset_triggered", "dataset_triggered") else run["run_type"]


@family("airflow_dag_runs_total", "airflow_dag_run_duration_seconds", "airflow_dag_run_queue_seconds",
        "airflow_dag_run_schedule_delay_seconds")  # fmt: skip
def ended_runs(reading):
    ends = reading.counted_runs()
    yield from counts("airflow_dag_runs_total", (
        {"dag_id": end.row["dag_id"], "state": end.state, "run_type": run_type(end.row)} for end in ends))  # fmt: skip
    yield from reading.histogram("airflow_dag_run_duration_seconds", (
        ({"dag_id": end.row["dag_id"], "state": end.state}, difference(end.row, "start_date", "end_date"))
        for end in ends))  # fmt: skip
    yield from reading.histogram("airflow_dag_run_queue_seconds", (
        ({"dag_id": end.row["dag_id"]}, difference(end.row, "queued_at", "start_date"))
        for end in ends if reading.is_3))  # fmt: skip
    yield from reading.histogram("airflow_dag_run_schedule_delay_seconds", (
        ({"dag_id": end.row["dag_id"]}, difference(end.row, "due", "start_date"))
        for end in ends if end.row["run_type"] == "scheduled"))  # fmt: skip


@family("airflow_dag_last_run_state", "airflow_dag_last_run_timestamp_seconds",
        "airflow_dag_last_run_duration_seconds", "airflow_dag_last_success_timestamp_seconds",
        "airflow_dag_consecutive_failed_runs")  # fmt: skip
def last_runs(reading):
    ends = collections.defaultdict(list)
    for end in sorted(reading.history.runs.values(), key=lambda end: end.when):
        ends[end.row["dag_id"]].append(end)
    for dag, runs in ends.items():
        labels, last = {"dag_id": dag}, runs[-1]
        states = [end.row["state"] for end in runs]
        yield "airflow_dag_last_run_state", labels | {"state": states[-1]}, 1
        yield "airflow_dag_last_run_timestamp_seconds", labels, last.when
        yield "airflow_dag_last_run_duration_seconds", labels, last.when - last.row["start_date"]
        failures = next((i for i, state in enumerate(reversed(states)) if state != "failed"), len(states))
        yield "airflow_dag_consecutive_failed_runs", labels, failures
        successes = [end.when for end in runs if "success" in (end.state, end.row["state"])]
        if successes:
            yield "airflow_dag_last_success_timestamp_seconds", labels, successes[-1]


@family("airflow_task_tries_total", "airflow_task_duration_seconds", "airflow_task_queue_seconds")
def tries(reading):
    ends = [({"dag_id": end.row["dag_id"], "task_id": end.row["task_id"]}, end) for end in reading.counted_tries()]
    yield from counts("airflow_task_tries_total", (labels | {"state": end.state} for labels, end in ends))
    ran = [(labels, end.row) for labels, end in ends
           if not never_ran(end.row) and end.state not in ("skipped", "removed")]  # fmt: skip
    yield from reading.histogram("airflow_task_duration_seconds", (
        (labels, difference(row, "start_date", "end_date")) for labels, row in ran))  # fmt: skip
    yield from reading.histogram("airflow_task_queue_seconds", (
        (labels, difference(row, "queued_dttm", "start_date")) for labels, row in ran))  # fmt: skip


@family("airflow_task_recent_failures", "airflow_task_recent_longest_seconds")
def notable_tasks(reading):
    failures, longest = collections.Counter(), collections.Counter()
    for end in reading.counted_tries():
        key = (end.row["dag_id"], end.row["task_id"])
        failures[key] += end.state in ("failed", "up_for_retry")
        took = difference(end.row, "start_date", "end_date")
        if took and end.state in ("success", "failed", "up_for_retry"):
            longest[key] = max(longest[key], took)
    for name, values in (("failures", failures), ("longest_seconds", longest)):
        for (dag, task), value in values.most_common(20):
            if value:
                yield f"airflow_task_recent_{name}", {"dag_id": dag, "task_id": task}, value


@family("airflow_asset_info", "airflow_asset_events_total", "airflow_asset_last_event_timestamp_seconds",
        "airflow_assets_unread", "airflow_asset_events_read_timestamp_seconds", "airflow_asset_producer_info",
        "airflow_asset_producers_hidden")  # fmt: skip
def assets(reading):
    for asset in reading.assets:
        labels = {"asset": asset["name"]}
        yield "airflow_asset_info", labels | {"uri": asset["uri"], "group": asset.get("group")}, 1
        events = [event["timestamp"] for event in reading.asset_events if event["asset_id"] == asset["id"]]
        if events:
            yield "airflow_asset_last_event_timestamp_seconds", labels, max(events)
        yield "airflow_asset_events_total", labels, sum(
            when >= reading.since("airflow_assets") for when in events)  # fmt: skip
        for producer in reading.producers:
            if producer["asset_id"] == asset["id"]:
                yield "airflow_asset_producer_info", labels | {"dag_id": producer["dag_id"], "task_id": producer["task_id"]}, 1
    yield "airflow_assets_unread", {}, 0
    yield "airflow_asset_producers_hidden", {}, 0
    last = max((event["timestamp"] for event in reading.asset_events), default=0)
    # Events may be committed a minute late.
    yield "airflow_asset_events_read_timestamp_seconds", {}, (last - 61, time.time())
