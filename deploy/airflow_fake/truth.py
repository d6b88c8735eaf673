"""The samples that an exporter must show of a World, computed from its events, not from the API's replies.

Series are written as on airflow_exporter's page, without the label `deployment`.
"""

import collections

from airflow_fake.world import COMPONENTS

LABELS = {
    "airflow_dag_runs_total": ("dag_id", "state", "run_type"),
    "airflow_dag_run_duration_seconds_count": ("dag_id", "state"),
    "airflow_dag_run_queue_seconds_count": ("dag_id",),
    "airflow_dag_run_schedule_delay_seconds_count": ("dag_id",),
    "airflow_task_tries_total": ("dag_id", "task_id", "state"),
    "airflow_task_duration_seconds_count": ("dag_id", "task_id"),
    "airflow_task_queue_seconds_count": ("dag_id", "task_id"),
    "airflow_asset_events_total": ("asset",),
    "airflow_runs": ("dag_id", "state"),
    "airflow_task_instances": ("dag_id", "pool", "queue", "state"),
    "airflow_dag_last_run_state": ("dag_id", "state"),
    "airflow_dag_paused": ("dag_id",),
    "airflow_dag_stale": ("dag_id",),
    "airflow_dag_has_import_errors": ("dag_id",),
    "airflow_import_errors": (),
    "airflow_pool_used_slots": ("pool", "state"),
    "airflow_component_healthy": ("component",),
    "airflow_component_jobs": ("component",),
}
LIVE_TASKS = ("running", "queued", "scheduled", "deferred", "up_for_retry", "up_for_reschedule",
              "restarting")


def escaped(value):
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def series(family, values):
    """The series as on a page; labels with empty values are omitted."""
    labels = ",".join(f'{name}="{escaped(value)}"' for name, value in zip(LABELS[family], values) if value)
    return family + ("{" + labels + "}" if labels else "")


def written(counts):
    return {series(family, values): count for (family, *values), count in counts.items()}


def counters(world, since, until=None, by_task=False):
    """Counts ends from `since` to `until` or now, by the clock of the World, of runs that still exist."""
    counts = collections.Counter()
    until = world.now if until is None else min(until, world.now)
    for run in world.runs_ended_since(since):
        count_run(counts, world, run, since, until)
        for each in run.instances:
            for end in each.ends:
                if since <= end.time <= until:
                    count_try(counts, run.dag.id, each.task.name if by_task else "", end)
    for asset in world.assets:
        counts["airflow_asset_events_total", asset.uri] = sum(
            event[2] == asset.uri and since <= event[0] <= until for event in world.events)
    return written(counts)


def count_run(counts, world, run, since, until):
    for look in run.ends:
        if not since <= look.end <= until:
            continue
        counts["airflow_dag_runs_total", run.dag.id, look.state, run.type] += 1
        counts["airflow_dag_run_duration_seconds_count", run.dag.id, look.state] += 1
        if not world.is_v1:  # which has no time since when a run is queued
            counts["airflow_dag_run_queue_seconds_count", run.dag.id] += 1
        if run.type == "scheduled":
            counts["airflow_dag_run_schedule_delay_seconds_count", run.dag.id] += 1


def count_try(counts, dag_id, task_id, end):
    counts["airflow_task_tries_total", dag_id, task_id, end.state] += 1
    if end.duration is not None:
        counts["airflow_task_duration_seconds_count", dag_id, task_id] += 1
    if end.queue is not None:
        counts["airflow_task_queue_seconds_count", dag_id, task_id] += 1


def gauges(world):
    """The current state."""
    counts = collections.Counter()
    for run in world.live.values():
        counts["airflow_runs", run.dag.id, run.looks.at(world.now).state] += 1
        for each in run.instances:
            look = each.at(world.now)
            if look and look.state in LIVE_TASKS:
                counts["airflow_task_instances", run.dag.id, each.task.pool, each.task.queue,
                       look.state] += 1
    for dag_id, state in last_states(world).items():
        counts["airflow_dag_last_run_state", dag_id, state] = 1
    for dag in world.dags.values():
        counts["airflow_dag_paused", dag.id] = int(dag.paused)
        counts["airflow_dag_stale", dag.id] = int(world.is_stale(dag))
        counts["airflow_dag_has_import_errors", dag.id] = int(world.has_import_errors(dag))
    add_components(counts, world)
    counts["airflow_import_errors",] = len(list(world.import_errors()))
    slots = world.slots()
    for pool in world.pools:
        for state, number in slots[pool.name].items():
            if pool.slots >= 0 or not world.is_v1:
                counts["airflow_pool_used_slots", pool.name, state] = number
    return written(counts)


def add_components(counts, world):
    """Airflow 2 has no list of jobs, and its DAG processor runs inside the scheduler."""
    counts["airflow_component_healthy", "metadatabase"] = 1
    for component in COMPONENTS:
        if not world.is_v1:
            counts["airflow_component_jobs", component] = sum(
                name == component and world.is_alive(beat) for name, _, beat in world.jobs())
        if not world.is_v1 or component != "dag_processor":
            alive = world.is_alive(world.heartbeat(component))
            counts["airflow_component_healthy", component] = int(alive)


def last_states(world):
    """By DAG, the state of the run that ended last; it may have been marked since."""
    last = {}
    for run in world.last_runs():
        for ended in run.ends:
            if ended.end <= world.now and last.get(run.dag.id, (0,))[0] < ended.end:
                look = run.looks.at(world.now)
                last[run.dag.id] = (ended.end, look.state if look.end == ended.end else ended.state)
    return {dag_id: state for dag_id, (_, state) in last.items()}
