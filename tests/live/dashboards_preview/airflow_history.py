"""Three made-up deployments of Airflow for history.py: one with trouble, one that is well, one without DAGs.

DAGs fail, one run is stuck, one DAG is overdue and one past its deadline, a file cannot be imported, a pool
starves, and the triggerer has died.
"""

import bisect
import collections
import itertools
import math
import random

DAY, HOUR, MINUTE = 86400, 3600, 60
RUN_BOUNDS = (60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400)
DELAY_BOUNDS = (5, 15, 60, 300, 900, 3600)
TASK_BOUNDS = (1, 10, 60, 300, 900, 3600, 14400)
# How many of the last runs failed, and of older ones each how many-th; `also` is what is wrong besides.
Dag = collections.namedtuple("Dag", "name owner every seconds tasks fails often also", defaults=(0, 0, ""))
FINANCE, GROWTH, PLATFORM = "finance@example.com", "growth@example.com", "platform@example.com"
DEPLOYMENTS = {
    "production": [
        Dag("churn_model", GROWTH, HOUR, 660, 9, 2),
        Dag("crm_sync", GROWTH, 30 * MINUTE, 210, 4, 1, 5),
        Dag("daily_revenue", FINANCE, DAY, 900, 12, also="deadline"),
        Dag("dbt_shop", "platform@example.com,finance@example.com", HOUR, 720, 22, 5),
        Dag("export_legacy", PLATFORM, HOUR, 90, 3, also="broken"),
        Dag("feature_store", GROWTH, HOUR, 1100, 14, also="waits"),
        Dag("invoices", FINANCE, HOUR, 540, 6, also="stuck"),
        Dag("ledger_close", FINANCE, 6 * HOUR, 2100, 8),
        Dag("orders", PLATFORM, 15 * MINUTE, 260, 7),
        Dag("retrain_ranking", GROWTH, DAY, 9000, 5, also="paused"),
        Dag("sessions", GROWTH, 15 * MINUTE, 340, 8, 0, 11),
        Dag("vacuum_warehouse", PLATFORM, DAY, 1500, 3, also="overdue"),
        Dag("web_events", PLATFORM, 10 * MINUTE, 150, 5),
    ],
    "staging": [
        Dag("dbt_shop", PLATFORM, HOUR, 480, 22),
        Dag("orders", PLATFORM, 15 * MINUTE, 140, 7),
        Dag("web_events", PLATFORM, 10 * MINUTE, 80, 5),
    ],
    "sandbox": [],
}  # fmt: skip
VERSIONS = {"production": "3.3.2", "staging": "3.3.2", "sandbox": "2.11.2"}
POOLS = {"production": {"default_pool": 128, "warehouse": 8, "api": 4, "unlimited": math.inf},
         "staging": {"default_pool": 32}, "sandbox": {"default_pool": 16}}  # fmt: skip
ASSETS = {  # name: (URI, table, seconds between events, seconds since the last)
    "orders": ("snowflake://acme/analytics/shop/orders", "analytics.shop.orders", 15 * MINUTE, 6 * MINUTE),
    "sessions": ("snowflake://acme/analytics/shop/sessions", "analytics.shop.sessions", 15 * MINUTE, 11 * MINUTE),
    "churn_scores": ("snowflake://acme/analytics/shop/churn_scores", "analytics.shop.churn_scores", HOUR, 2.4 * HOUR),
    "raw_events": ("s3://acme-raw/events", "", 10 * MINUTE, 3 * MINUTE),
}  # fmt: skip
BROKEN = 200 * MINUTE  # ago, a file
TASKS = {"extract": 0.3, "transform": 0.6}  # of each DAG, with the share of its time
DIED = 25 * MINUTE  # ago, of the triggerer
FULL = 70 * MINUTE  # ago, since when the pool starves
STUCK = 95 * MINUTE  # ago, when the run started that does not end


class Runs:
    """The runs of a DAG since a day before the history, in the order in which they ended."""

    def __init__(self, dag, deployment, start, now):
        self.dag, self.seed, self.now = dag, f"{deployment}{dag.name}", now
        end = now - STUCK if dag.also == "stuck" else now - 2 * DAY if dag.also == "paused" else now
        phase = random.Random(self.seed).randrange(dag.every)
        if dag.also in ("overdue", "deadline"):
            phase = int(now - 40 * MINUTE) % dag.every
        first = (start - 2 * DAY) // dag.every
        due = [number * dag.every + phase for number in range(first, end // dag.every + 1)]
        self.runs = [run for run in map(self._run, due) if run[0] < end and not self._is_missing(run)]
        self.ended = [run[1] for run in self.runs if run[1] <= now]

    def _is_missing(self, run):
        return self.dag.also in ("overdue", "deadline") and run[0] > self.now - 41 * MINUTE

    def _run(self, due):
        """When it was due, ended and started."""
        dice = random.Random(f"{self.seed}{due}")
        late = dice.expovariate(1 / 6) + 2
        if self.dag.also == "waits" and due > self.now - FULL:
            late += 400
        return (due, due + late + self.dag.seconds * dice.uniform(0.8, 1.3), due + late)

    def count(self, time):
        """How many had ended."""
        return bisect.bisect_right(self.ended, time)

    def is_failed(self, index):
        ago = len(self.ended) - 1 - index
        return ago < self.dag.fails or bool(self.dag.often and ago % self.dag.often == self.dag.often - 1)

    def last(self, time, wanted=lambda _: True):
        """The last run that had ended and is wanted."""
        return next((index for index in range(self.count(time) - 1, -1, -1) if wanted(index)), None)

    def under_way(self, time):
        """When the run started that is under way."""
        if self.dag.also == "stuck" and time >= self.now - STUCK:
            return self.now - STUCK
        return next((run[2] for run in self.runs[self.count(time):self.count(time) + 2]
                     if run[2] <= time < run[1]), None)  # fmt: skip


class Deployment:
    def __init__(self, history, at, name):
        self.history, self.name, self.now = history, name, history.now
        self.at = dict(at, deployment=name)
        self.is_well = name != "production"

    def add(self, metric, value, **labels):
        self.history.add(f"airflow_{metric}", value, **self.at, **labels)

    def write(self):
        self.add("up", 1)
        self.add("info", 1, version=VERSIONS[self.name])
        self.components()
        self.pools()
        for dag in DEPLOYMENTS[self.name]:
            runs = Runs(dag, self.name, self.history.start, self.now)
            self.describe(dag, runs)
            self.last_run(dag, runs)
            self.live(dag, runs)
            self.counted(dag, runs)
        for name, asset in ASSETS.items() if self.name == "production" else ():
            self.asset(name, *asset)
        self.add("import_errors", lambda t: int(not self.is_well and t > self.now - BROKEN))
        self.add("runs_read_timestamp_seconds", lambda t: t - t % 30 - 5)
        for metric in ("unread_runs", "dags_hidden", "pools_hidden", "pools_unread", "assets_unread"):
            self.add(metric, 0)
        for name in ("runs", "task_instances"):
            self.add("live_unread", 0, list=name)

    def components(self):
        for component, jobs in (("scheduler", 2), ("triggerer", 1), ("dag_processor", 1), ("metadatabase", 0)):
            died = self.now - DIED if component == "triggerer" and not self.is_well else math.inf
            if VERSIONS[self.name] < "3" and component == "dag_processor":
                continue
            self.add("component_healthy", lambda t, d=died: int(t < d + 30), component=component)
            if jobs:
                self.add("component_jobs", lambda t, n=jobs, d=died: n if t < d + 30 else 0, component=component)
                self.add("component_last_heartbeat_timestamp_seconds",
                         lambda t, d=died, c=component: min(d, t - (t * len(c)) % 9), component=component)

    def starves(self, time, pool):
        return not self.is_well and pool == "warehouse" and time >= self.now - FULL

    def pools(self):
        for pool, slots in POOLS[self.name].items():
            self.add("pool_slots", slots, pool=pool)
            for state in ("running", "queued", "scheduled", "deferred"):
                self.add("pool_used_slots", lambda t, p=pool, s=state: self.used(t, p)[s], pool=pool, state=state)
            self.add("pool_occupied_slots", lambda t, p=pool: sum(
                self.used(t, p)[state] for state in ("running", "queued")), pool=pool)  # fmt: skip

    def used(self, time, pool):
        """The slots of the pool by state."""
        if self.starves(time, pool):
            return {"running": 6, "queued": 2, "scheduled": 3 + (time - self.now + FULL) // 400, "deferred": 0}
        busy = min(20, POOLS[self.name][pool]) * len(DEPLOYMENTS[self.name]) / 26
        return {"running": round(busy * (1 + 0.5 * math.sin(time / 900 + len(pool)))), "queued": 0, "scheduled": 0,
                "deferred": 2 * (pool == "default_pool" and not self.is_well)}

    def describe(self, dag, runs):
        to, broken = {"dag_id": dag.name}, dag.also == "broken"
        schedule = {DAY: "0 3 * * *", 6 * HOUR: "0 */6 * * *", HOUR: "@hourly"}.get(
            dag.every, f"*/{dag.every // 60} * * * *")
        self.add("dag_info", 1, **to, dag_name=dag.name, schedule=schedule, owners=dag.owner, tags="",
                 url=f"https://{self.name}.airflow.example/dags/{dag.name}")  # fmt: skip
        since = self.now - BROKEN
        for metric, value in (("paused", dag.also == "paused"), ("stale", False), ("has_import_errors", False)):
            self.add(f"dag_{metric}", lambda t, v=value: int(v or (broken and t > since)), **to)
        self.add("dag_last_parsed_timestamp_seconds", lambda t: t - t % 30 if not broken else min(t, since), **to)
        self.add("dag_next_run_timestamp_seconds", lambda t: self.next_run(dag, runs, t), **to)
        if broken:
            self.add("import_error_first_seen_timestamp_seconds", lambda t: since if t > since else None,
                     bundle="dags-folder", file=f"{dag.name}.py")  # fmt: skip
        if dag.also == "deadline":
            self.add("dag_required_success_timestamp_seconds", lambda t: t // DAY * DAY if t > self.now - HOUR
                     else t // DAY * DAY - DAY, **to)  # fmt: skip
            self.add("dag_warnings", 1, **to, warning="non-existent pool")

    def next_run(self, dag, runs, time):
        due = [run[0] for run in runs.runs if run[2] <= time]
        return due[-1] + dag.every if due else None

    def last_run(self, dag, runs):
        to = {"dag_id": dag.name}

        def of_last(value, wanted=lambda _: True):
            def at(time):
                index = runs.last(time, wanted)
                return None if index is None else value(index)
            return at

        for state in ("success", "failed"):
            self.add("dag_last_run_state", of_last(
                lambda i, s=state: 1 if runs.is_failed(i) == (s == "failed") else None), **to, state=state)
        self.add("dag_last_run_timestamp_seconds", of_last(lambda i: runs.runs[i][1]), **to)
        self.add("dag_last_run_duration_seconds", of_last(lambda i: runs.runs[i][1] - runs.runs[i][2]), **to)
        self.add("dag_last_success_timestamp_seconds",
                 of_last(lambda i: runs.runs[i][1], lambda i: not runs.is_failed(i)), **to)
        self.add("dag_consecutive_failed_runs", of_last(
            lambda i: sum(1 for _ in itertools.takewhile(runs.is_failed, range(i, -1, -1)))), **to)

    def live(self, dag, runs):
        to, pool = {"dag_id": dag.name}, "warehouse" if dag.also in ("waits", "stuck") else "default_pool"
        self.add("runs", lambda t: 1 if runs.under_way(t) else None, **to, state="running")
        self.add("oldest_run_timestamp_seconds", runs.under_way, **to, state="running")
        self.add("task_instances", lambda t: 1 + t // 60 % 3 if runs.under_way(t) else None, **to, pool=pool,
                 queue="default", state="running")  # fmt: skip
        self.add("oldest_task_instance_timestamp_seconds",
                 lambda t: max(runs.under_way(t), t - 90 - t % 240) if runs.under_way(t) else None,
                 **to, state="running")  # fmt: skip
        if dag.also != "waits":
            return
        for state, count, ago in (("scheduled", 11, 300), ("queued", 2, 180)):
            self.add("task_instances", lambda t, n=count: n if self.starves(t, pool) else None, **to, pool=pool,
                     queue="default", state=state)  # fmt: skip
            self.add("oldest_task_instance_timestamp_seconds", lambda t, a=ago: t - a - (t - self.now + FULL) / 4
                     if self.starves(t, pool) else None, **to, state=state)  # fmt: skip
        self.add("runs", lambda t: 1 if self.starves(t, pool) else None, **to, state="queued")

    def counted(self, dag, runs):
        to = {"dag_id": dag.name}
        failed = [0, *itertools.accumulate(runs.is_failed(index) for index in range(len(runs.ended)))]
        for state in ("success", "failed"):
            of_state = [runs.is_failed(index) == (state == "failed") for index in range(len(runs.ended))]
            total = [0, *itertools.accumulate(of_state)]
            self.add("dag_runs_total", lambda t, n=total: n[runs.count(t)], **to, state=state, run_type="scheduled")
            took = [run[1] - run[2] if wanted else None for run, wanted in zip(runs.runs, of_state)]
            self.histogram("dag_run_duration_seconds", RUN_BOUNDS, runs, took, **to, state=state)
        done = [run for run in runs.runs if run[1] <= self.now]
        self.histogram("dag_run_schedule_delay_seconds", DELAY_BOUNDS, runs, [run[2] - run[0] for run in done], **to)
        if VERSIONS[self.name] > "3":
            self.histogram("dag_run_queue_seconds", DELAY_BOUNDS, runs, [(run[2] - run[0]) / 2 for run in done], **to)
        for task, share in TASKS.items():
            self.tasks(dag, runs, done, failed, share, **to, task_id=task)

    def tasks(self, dag, runs, done, failed, share, **to):
        """The tries of one of its tasks, which is mapped; all failures are the last one's."""
        queued = [(run[2] - run[0]) * (0.9 if dag.also == "waits" else 0.4) for run in done]
        self.histogram("task_queue_seconds", DELAY_BOUNDS, runs, queued, **to)
        self.histogram("task_duration_seconds", TASK_BOUNDS, runs, [share * dag.seconds for _ in done], **to)
        each, fails = dag.tasks // len(TASKS) + 1, to["task_id"] == list(TASKS)[-1]
        for state, count in (("success", each), ("skipped", each // 4), ("failed", 0), ("up_for_retry", 0),
                             ("upstream_failed", 0)):  # fmt: skip
            lost = fails * {"success": -2, "failed": 1, "up_for_retry": 2, "upstream_failed": 1}.get(state, 0)
            self.add("task_tries_total", lambda t, e=count, n=lost: e * runs.count(t) + n * failed[runs.count(t)],
                     **to, state=state)  # fmt: skip

        def in_a_day(time):
            """How many runs that had ended, and how many of them failed."""
            since, until = runs.count(time - DAY), runs.count(time)
            return until - since, failed[until] - failed[since]

        self.add("task_recent_failures", lambda t: 3 * in_a_day(t)[1] or None if fails else None, **to)
        self.add("task_recent_longest_seconds",
                 lambda t: 1.3 * share * dag.seconds if in_a_day(t)[0] else None, **to)

    def histogram(self, name, bounds, runs, values, **to):
        """`values` of the runs in the order in which they ended; None is of none."""
        for bound in (*bounds, math.inf):
            below = [0, *itertools.accumulate(int(value is not None and value <= bound) for value in values)]
            self.add(f"{name}_bucket", lambda t, n=below: n[runs.count(t)], **to,
                     le="+Inf" if bound == math.inf else f"{bound:.1f}")  # fmt: skip
        for suffix, part in (("sum", lambda value: value), ("count", lambda _: 1)):
            total = [0, *itertools.accumulate(0 if value is None else part(value) for value in values)]
            self.add(f"{name}_{suffix}", lambda t, n=total: n[runs.count(t)], **to)

    def asset(self, name, uri, dataset, every, ago):
        to = {"asset": name}

        def last(time):
            newest = self.now - ago
            return newest if time >= newest else newest - -(-(newest - time) // every) * every

        self.add("asset_info", 1, **to, uri=uri, dataset=dataset, group="asset")
        self.add("asset_last_event_timestamp_seconds", last, **to)
        self.add("asset_events_total", lambda t: 400 + (last(t) - self.history.start) // every, **to)


def write(history, at):
    """Adds what the exporter there says of its deployments."""
    for name in DEPLOYMENTS:
        Deployment(history, at, name).write()
