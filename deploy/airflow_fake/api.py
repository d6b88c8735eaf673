"""The parts of both REST APIs that the exporter uses, answered from a World."""

import json
import re
import urllib.parse

from airflow_fake import rows
from airflow_fake.query import Query, Refusal, Wanted, bad_request, detail, problem, write_cursor

TOTAL_LIMIT = 50_000  # up to which 3.3 counts when there is a cursor
PAGE = ("limit", "offset")
LIST = (*PAGE, "order_by")


def bounds(*fields):
    return tuple(f"{field}_{end}" for field in fields for end in ("gte", "lte"))


RUN_FIELDS = {True: ("execution_date", "start_date", "end_date", "updated_at"),
              False: ("run_after", "logical_date", "start_date", "end_date", "updated_at")}
RUN_ORDER = {True: ("id", "start_date", "end_date", "updated_at", "dag_id", "state", "execution_date"),
             False: ("id", "start_date", "end_date", "updated_at", "dag_id", "state", "run_after",
                     "logical_date",
                     "duration")}
TASK_ORDER = ("id", "start_date", "end_date", "duration", "map_index", "state", "run_after")
LIVE_TASKS = {"scheduled", "queued", "running", "restarting", "up_for_retry", "up_for_reschedule",
              "deferred"}
TASK_FIELDS = ("pool", "queue", "task_id")
JOBS = {"scheduler": "SchedulerJob", "triggerer": "TriggererJob", "dag_processor": "DagProcessorJob"}


def sortable(value):
    """A sort key that puts None first."""
    return (False, 0) if value is None else (True, value)


class Api:
    """Answers requests for one version. The login has been checked before."""

    def __init__(self, world):
        self.world, self.is_v1 = world, world.is_v1
        self.prefix = "/api/v1" if self.is_v1 else "/api/v2"
        self.stamp = rows.stamp_v1 if self.is_v1 else rows.stamp_v2
        run = "/dags/([^/]+)/dagRuns/([^/]+)"
        lists = [
            ("GET", "/version", self.version, ()),
            ("GET", "/health" if self.is_v1 else "/monitor/health", self.health, ()),
            ("GET", "/dags", self.dags,
             (*LIST, "tags", "only_active", "paused", "fields", "dag_id_pattern")),
            ("GET", "/pools", self.pools, LIST),
            ("GET", "/importErrors", self.import_errors, LIST),
            ("GET", "/dagWarnings", self.dag_warnings, (*LIST, "dag_id", "warning_type")),
            ("GET", "/dags/([^/]+)/dagRuns", self.runs,
             (*LIST, "state", "fields", *bounds(*RUN_FIELDS[True]))),
            ("GET", run, self.run, ("fields",)),
            ("GET", run + "/taskInstances", self.tasks,
             (*PAGE, "state", "pool", "queue", "executor", *bounds("duration", *RUN_FIELDS[True]))),
            ("POST", "/dags/~/dagRuns/~/taskInstances/list", self.tasks_of_runs, ()),
            ("GET", run + "/taskInstances/([^/]+)/tries", self.tries, LIST),
            ("GET", run + "/taskInstances/([^/]+)/([0-9]+)/tries", self.tries, LIST),
        ]
        if self.is_v1:
            lists += [("GET", "/datasets", self.assets, (*LIST, "uri_pattern", "dag_ids")),
                      ("GET", "/datasets/events", self.asset_events,
                       (*LIST, "dataset_id", "source_dag_id", "source_task_id", "source_run_id",
                        "source_map_index"))]
        else:
            lists += [("GET", "/assets", self.assets, ()),
                      ("GET", "/assets/events", self.asset_events, ()),
                      ("GET", "/jobs", self.jobs, ())]
        self.lists = [(method, re.compile(path), answer, known) for method, path, answer, known in lists]

    def answer(self, method, target, body):
        """The body of the reply to a request below the API's prefix. Raises Refusal."""
        path, _, query = target.partition("?")
        query = Query(self.is_v1, urllib.parse.parse_qsl(query, keep_blank_values=True))
        found = [(each, match) for each in self.lists if (match := each[1].fullmatch(path))]
        for (allowed, _, answer, known), match in found:
            if allowed == method:
                query.require_known(known)
                names = [urllib.parse.unquote(part) for part in match.groups()]
                if method == "POST":
                    return answer(self.read_body(body))
                return answer(query, *names)
        if found and self.is_v1:
            raise problem(405, "Method Not Allowed", "The method is not allowed for the requested URL.",
                          "about:blank")
        raise detail(405, "Method Not Allowed") if found else self.no_path()

    def is_open(self, target):
        """Whether the path needs no login."""
        return target.partition("?")[0] in ("/version", "/health", "/monitor/health")

    def no_path(self):
        if self.is_v1:
            return problem(404, "Not Found",
                           "The requested URL was not found on the server. If you entered the URL "
                           "manually please check your spelling and try again.", "about:blank")
        return Refusal(404, {"error": "API route not found"})

    def read_body(self, body):
        try:
            return json.loads(body)
        except ValueError:
            raise (bad_request("Bad Request", "Request body is not valid JSON") if self.is_v1 else
                   detail(422, "JSON decode error")) from None

    def page(self, key, found, query, row, has_clamp=True):
        """One page of a list, by offset."""
        limit, offset = query.page(has_clamp)
        some = found[offset:] if limit is None else found[offset:offset + limit]
        return {key: [row(each) for each in some], "total_entries": len(found)}

    # What a deployment is

    def version(self, _query):
        release = rows.RELEASES[self.world.version]
        return {"version": release, "git_version": "" if self.is_v1 else ".release:fake"}

    def health(self, _query):
        page = {"metadatabase": {"status": "healthy"}}
        for name in JOBS:
            is_inside = self.is_v1 and name == "dag_processor"  # it runs inside the scheduler
            beat = None if is_inside else self.world.heartbeat(name)
            alive = not is_inside and self.world.is_alive(beat)
            page[name] = {"status": None if is_inside else "healthy" if alive else "unhealthy",
                          f"latest_{name}_heartbeat": rows.stamp_v1(beat)}
        return page

    def jobs(self, query):
        """Dead processes are omitted, but counted in total_entries."""
        wanted = {"job_type": query.one("job_type"), "state": query.one("job_state")}
        found = []
        for number, (component, began, beat) in enumerate(self.world.jobs(), 1):
            row = {"id": number, "dag_id": None, "state": "running", "job_type": JOBS[component],
                   "executor_class": None, "start_date": self.stamp(began), "end_date": None,
                   "latest_heartbeat": self.stamp(beat), "hostname": "worker-1", "unixname": "airflow",
                   "dag_display_name": None}
            if all(value in (None, row[key]) for key, value in wanted.items()):
                found.append((beat, began, self.world.is_alive(beat), row))
        field, descends = query.order(("id", "start_date", "latest_heartbeat")) or ("id", False)
        found.sort(key=lambda job: job[0] if field == "latest_heartbeat" else job[1], reverse=descends)
        page = self.page("jobs", found, query, lambda job: job)
        only_alive = query.flag("is_alive", False)
        page["jobs"] = [row for *_, alive, row in page["jobs"] if alive or not only_alive]
        return page

    def dags(self, query):
        hides_stale = query.flag("only_active" if self.is_v1 else "exclude_stale", True)
        paused = query.one("paused")
        found = [dag for _, dag in sorted(self.world.dags.items())
                 if not (hides_stale and self.world.is_stale(dag))
                 and (paused is None or dag.paused == query.flag("paused", False))]
        row = rows.dag_v1 if self.is_v1 else rows.dag_v2
        return self.page("dags", found, query, lambda dag: row(self.world, dag))

    def pools(self, query):
        used = self.world.slots()
        page = self.page("pools", self.world.pools, query,
                         lambda pool: rows.pool_row(self.world, pool, used[pool.name]))
        if self.is_v1 and any(row["slots"] < 0 for row in page["pools"]):
            raise problem(500, "Response body does not conform to specification",
                          "inf is not of type 'integer'\n\nFailed validating 'type' in schema", "Unknown")
        return page

    def import_errors(self, query):
        return self.page("import_errors", list(self.world.import_errors()), query,
                         lambda error: rows.import_error(self.world, *error))

    def dag_warnings(self, query):
        return self.page("dag_warnings", list(self.world.dag_warnings()), query, lambda found: {
            "dag_id": found[0].id, "message": found[1], "timestamp": self.stamp(found[2]),
            "warning_type": "non-existent pool"})

    def assets(self, query):
        last = {}
        for event in self.world.events:
            last[event[2]] = event
        key, found = "datasets" if self.is_v1 else "assets", list(enumerate(self.world.assets, 1))
        return self.page(key, found, query,
                         lambda each: rows.asset_row(self.world, *each, last.get(each[1].uri)))

    def asset_events(self, query):
        """In the order of their ids, which is the order of time."""
        low, high = query.ranges(["timestamp"]).get("timestamp", (0, float("inf")))
        wanted = query.one("dataset_id" if self.is_v1 else "asset_id")
        ids = {asset.uri: str(number) for number, asset in enumerate(self.world.assets, 1)}
        found = [event for event in self.world.events
                 if low <= event[0] <= high and wanted in (None, ids[event[2]])]
        if (query.order(("id", "timestamp")) or ("", False))[1]:
            found.reverse()
        return self.page("dataset_events" if self.is_v1 else "asset_events", found, query,
                         lambda event: rows.asset_event(self.world, event))

    # Runs and tasks

    def run_row(self, run):
        return (rows.run_v1 if self.is_v1 else rows.run_v2)(run, run.looks.at(self.world.now))

    def task_row(self, found):
        return (rows.task_v1 if self.is_v1 else rows.task_v2)(*found)

    def runs(self, query, dag_id):
        wanted = Wanted(self.is_v1, query.run_states(), query.ranges(RUN_FIELDS[self.is_v1]),
                        None if dag_id == "~" else dag_id)
        if wanted.dag_id and wanted.dag_id not in self.world.dags:
            raise self.not_found("DAG", f"The DAG with dag_id: {dag_id} was", f"Dag with ID: `{dag_id}`")
        order = query.order(RUN_ORDER[self.is_v1])
        found = self.world.select_runs(wanted)
        if order and order[0] != "id":
            found = sorted(found, key=lambda run: self.order_of(run, order[0]))
        if order and order[1]:
            found = found[::-1]
        return self.page_of_work("dag_runs", found, query, self.run_row, lambda run: [run.number])

    def order_of(self, run, field):
        look = run.looks.at(self.world.now)
        value = {"dag_id": run.dag.id, "state": look.state, "start_date": look.start, "end_date": look.end,
                 "updated_at": look.updated, "duration": look.end and look.start and look.end - look.start}
        return sortable(value.get(field, run.due)), run.number

    def page_of_work(self, key, found, query, row, key_of, has_clamp=True):
        """One page of runs or tasks, by offset, or in 3.3 by cursor in the order of ids."""
        has_cursor = not self.is_v1 and query.one("cursor") is not None
        if not has_cursor:
            page = self.page(key, found, query, row, has_clamp)
            more = {} if self.is_v1 else {"total_entries_limit": None, "next_cursor": None,
                                          "previous_cursor": None}
            return page | more
        after, (limit, _) = query.cursor(), query.page()
        left = found if after is None else [each for each in found if key_of(each) > after]
        some = left[:limit]
        return {key: [row(each) for each in some], "total_entries": min(len(found), TOTAL_LIMIT),
                "total_entries_limit": TOTAL_LIMIT, "previous_cursor": None,
                "next_cursor": write_cursor(key_of(some[-1])) if some and len(left) > limit else None}

    def not_found(self, kind, v1_text, v2_text):
        if self.is_v1:
            return problem(404, f"{kind} not found", f"{v1_text} not found", "NotFound")
        return detail(404, f"The {v2_text} was not found")

    def find(self, dag_id, run_id):
        run = self.world.find_run(dag_id, run_id)
        if run is None:
            raise self.not_found("DAGRun", f"DAGRun with DAG ID: '{dag_id}' and DagRun ID: '{run_id}'",
                                 f"DagRun with dag_id: `{dag_id}` and run_id: `{run_id}`")
        return run

    def run(self, _query, dag_id, run_id):
        return self.run_row(self.find(dag_id, run_id))

    def tasks(self, query, dag_id, run_id):
        others = {name: query.all(name) for name in TASK_FIELDS}
        wanted = Wanted(self.is_v1, query.task_states(), query.ranges(RUN_FIELDS[self.is_v1]), **others)
        if dag_id == run_id == "~":
            is_live = wanted.states and wanted.states <= LIVE_TASKS
            runs = self.world.runs_with_live_tasks() if is_live else self.world.runs_of(None, None)
        else:
            runs = self.world.runs_of(None if dag_id == "~" else {dag_id},
                                      None if run_id == "~" else {run_id})
        found = self.select_tasks(runs, wanted)
        order = query.order(TASK_ORDER)
        if order and order[0] != "id":
            found.sort(key=lambda task: self.order_of_task(*task, order[0]))
        if order and order[1]:
            found.reverse()
        return self.page_of_work("task_instances", found, query, self.task_row,
                                 lambda task: [task[1].uuid],
                                 has_clamp=not self.is_v1)

    @staticmethod
    def order_of_task(each, look, field):
        values = {"start_date": look.start, "end_date": look.end, "duration": look.duration,
                  "state": look.state,
                  "map_index": each.map_index, "run_after": each.run.due}
        return sortable(values[field]), look.uuid

    def select_tasks(self, runs, wanted):
        """The matching (instance, look); in Airflow 3 in the order of ids."""
        now = self.world.now
        found = [(each, look) for run in runs for each in run.instances
                 if wanted.accepts_task(each, look := each.at(now), now)]
        if not self.is_v1:
            found.sort(key=lambda task: task[1].uuid)
        return found

    def tasks_of_runs(self, body):
        """The answer to the POST for tasks of runs. Airflow 2 has no pages there."""
        query = Query(self.is_v1, [(name.removeprefix("page_"), str(body[name]))
                                   for name in ("page_limit", "page_offset") if name in body])
        query.pairs = query.pairs or [("limit", "100")]
        others = {"task_id": body.get("task_ids"), "pool": body.get("pool"), "queue": body.get("queue")}
        runs = self.world.runs_of(body.get("dag_ids"), body.get("dag_run_ids"))
        found = self.select_tasks(runs, Wanted(self.is_v1, body.get("state", ()), **others))
        if self.is_v1:
            return {"task_instances": [self.task_row(each) for each in found], "total_entries": len(found)}
        return self.page_of_work("task_instances", found, query, self.task_row,
                                 lambda task: [task[1].uuid])

    def tries(self, _query, dag_id, run_id, task_id, map_index=-1):
        """All finished tries, with retried ones as `failed`, and the current one."""
        now, found = self.world.now, None
        for each in self.find(dag_id, run_id).instances:
            if each.task.name == task_id and each.map_index == int(map_index) and each.at(now):
                found = each
        if found is None:
            if self.is_v1:
                return {"task_instances": [], "total_entries": 0}
            raise detail(404,
                         f"The Task Instance with dag_id: `{dag_id}`, run_id: `{run_id}`, "
                         f"task_id: `{task_id}` and map_index: `{map_index}` was not found")
        looks = [look for look in found.tries if look.end <= now]
        look = found.at(now)
        if look.number and look.number not in {each.number for each in looks}:
            looks.append(look)
        row = rows.try_v1 if self.is_v1 else rows.try_v2
        return {"task_instances": [row(found, look) for look in looks], "total_entries": len(looks)}
