"""The rows of Airflow's lists, with the keys and types of 2.11.2 and 3.3.2."""

import base64
import datetime
import functools

UTC = datetime.timezone.utc
RELEASES = {"2.11": "2.11.2", "3.3": "3.3.2"}


def stamp_v1(time):
    return None if time is None else datetime.datetime.fromtimestamp(time, UTC).isoformat()


def stamp_v2(time):
    return None if time is None else datetime.datetime.fromtimestamp(time, UTC).isoformat()[:-6] + "Z"


def token_of(file):
    return base64.urlsafe_b64encode(file.encode()).decode().rstrip("=") + ".c2lnbmF0dXJl"


def next_run(world, dag):
    """For a paused DAG the next run advances, too."""
    due = dag.next_due(world.now)
    return (None, None, None) if due is None else (due - dag.every, due, due)


def dag_v1(world, dag):
    begin, end, due = next_run(world, dag)
    cron, words = dag.cron()
    if dag.asset:
        cron, words = "Dataset", "Triggered by datasets"
    return {
        "dag_display_name": dag.name, "dag_id": dag.id, "default_view": "grid",
        "description": dag.description,
        "file_token": token_of(dag.file), "fileloc": f"/opt/airflow/dags/{dag.file}",
        "has_import_errors": world.has_import_errors(dag), "has_task_concurrency_limits": False,
        "is_active": not world.is_stale(dag), "is_paused": dag.paused, "is_subdag": False,
        "last_expired": None,
        "last_parsed_time": stamp_v1(world.last_parsed(dag)), "last_pickled": None,
        "max_active_runs": 1 if dag.one_at_a_time else 16, "max_active_tasks": 16,
        "max_consecutive_failed_dag_runs": 0, "next_dagrun": stamp_v1(begin),
        "next_dagrun_create_after": stamp_v1(due), "next_dagrun_data_interval_end": stamp_v1(end),
        "next_dagrun_data_interval_start": stamp_v1(begin), "owners": dag.owners.split(","),
        "pickle_id": None,
        "root_dag_id": None,
        "schedule_interval": {"__type": "CronExpression", "value": cron} if cron else None,
        "scheduler_lock": None, "tags": [{"name": tag} for tag in dag.tags],
        "timetable_description": words}


def dag_v2(world, dag):
    begin, end, due = next_run(world, dag)
    cron, words = dag.cron()
    return {
        "dag_id": dag.id, "dag_display_name": dag.name, "is_paused": dag.paused,
        "is_stale": world.is_stale(dag),
        "last_parsed_time": stamp_v2(world.last_parsed(dag)), "last_parse_duration": 0.25,
        "last_expired": None,
        "bundle_name": "dags-folder", "bundle_version": None, "relative_fileloc": dag.file,
        "fileloc": f"/opt/airflow/dags/{dag.file}", "description": dag.description,
        "timetable_summary": cron,
        "timetable_description": words, "timetable_partitioned": False,
        "timetable_periodic": bool(dag.every),
        "tags": [{"name": tag, "dag_id": dag.id, "dag_display_name": dag.name} for tag in dag.tags],
        "max_active_tasks": 16, "max_active_runs": 1 if dag.one_at_a_time else 16,
        "max_consecutive_failed_dag_runs": 0, "has_task_concurrency_limits": False,
        "has_import_errors": world.has_import_errors(dag), "next_dagrun_logical_date": stamp_v2(due),
        "next_dagrun_data_interval_start": stamp_v2(begin and due),
        "next_dagrun_data_interval_end": stamp_v2(end),
        "next_dagrun_run_after": stamp_v2(due), "allowed_run_types": None,
        "owners": [owner.strip() for owner in dag.owners.split(",")], "is_backfillable": bool(dag.every),
        "file_token": token_of(dag.file)}


def interval_of(run):
    """In Airflow 3 only scheduled and backfill runs have an interval."""
    return run.interval if run.type in ("scheduled", "backfill") else (None, None)


def run_v1(run, look):
    begin, end = run.interval
    return {
        "conf": {}, "dag_id": run.dag.id, "dag_run_id": run.id, "data_interval_end": stamp_v1(end),
        "data_interval_start": stamp_v1(begin), "end_date": stamp_v1(look.end),
        "execution_date": stamp_v1(begin),
        "external_trigger": run.type == "manual",
        "last_scheduling_decision": stamp_v1(look.end or look.start),
        "logical_date": stamp_v1(begin), "note": None,
        "run_type": "dataset_triggered" if run.type == "asset" else run.type,
        "start_date": stamp_v1(look.start), "state": look.state}


def version_of(run):
    return version_of_dag(run.dag.id, run.dag.name)


@functools.lru_cache(10_000)
def version_of_dag(dag_id, name):
    return {"id": "01a2201e-bc55-7a35-b541-2323470d249f", "version_number": 1, "dag_id": dag_id,
            "bundle_name": "dags-folder", "bundle_version": None,
            "created_at": "2026-11-28T03:06:54.931082Z",
            "dag_display_name": name, "bundle_url": None}


def triggered_by(run):
    return {"scheduled": "timetable", "asset": "asset", "backfill": "backfill"}.get(run.type, "rest_api")


def run_v2(run, look):
    begin, end = interval_of(run)
    return {
        "dag_run_id": run.id, "dag_id": run.dag.id, "logical_date": stamp_v2(end),
        "queued_at": stamp_v2(look.queued), "start_date": stamp_v2(look.start),
        "end_date": stamp_v2(look.end),
        "duration": round(look.end - look.start, 6) if look.end and look.start else None,
        "data_interval_start": stamp_v2(end), "data_interval_end": stamp_v2(end),
        "run_after": stamp_v2(run.due),
        "last_scheduling_decision": stamp_v2(look.end or look.start),
        "run_type": "asset_triggered" if run.type == "asset" else run.type, "state": look.state,
        "triggered_by": triggered_by(run),
        "triggering_user_name": "admin" if run.type == "manual" else None,
        "conf": {}, "note": None, "dag_versions": [version_of(run)], "bundle_version": None,
        "dag_display_name": run.dag.name, "partition_key": None, "partition_date": None}


def operator_of(task):
    if task.defers:
        return "FileSensorAsync", "FileSensorAsync"
    return ("FileSensor", "FileSensor") if task.pokes else ("_PythonDecoratedOperator", "@task")


def try_v1(each, look):
    """The fields that the list of tasks and the list of tries have in common."""
    task = each.task
    return {
        "dag_id": each.run.dag.id, "dag_run_id": each.run.id, "duration": look.duration,
        "end_date": stamp_v1(look.end), "executor": None, "executor_config": "{}",
        "hostname": "worker-1" if look.start else "", "map_index": each.map_index,
        "max_tries": look.max_tries,
        "operator": operator_of(task)[0], "pid": 4711 if look.start else None, "pool": task.pool,
        "pool_slots": 1,
        "priority_weight": 1, "queue": task.queue, "queued_when": stamp_v1(look.queued),
        "start_date": stamp_v1(look.start), "state": look.state, "task_display_name": task.name,
        "task_id": task.name, "try_number": look.number, "unixname": "airflow"}


def task_v1(each, look):
    return try_v1(each, look) | {
        "execution_date": stamp_v1(each.run.interval[0]), "note": None,
        "rendered_fields": {"op_args": [], "op_kwargs": {}, "templates_dict": None},
        "rendered_map_index": None,
        "sla_miss": None, "trigger": None, "triggerer_job": None}


def try_v2(each, look):
    task, run = each.task, each.run
    operator, operator_name = operator_of(task)
    return {
        "task_id": task.name, "dag_id": run.dag.id, "dag_run_id": run.id, "map_index": each.map_index,
        "start_date": stamp_v2(look.start), "end_date": stamp_v2(look.end), "duration": look.duration,
        "state": look.state, "try_number": look.number, "max_tries": look.max_tries,
        "task_display_name": task.name, "dag_display_name": run.dag.name,
        "hostname": "worker-1" if look.start else "", "unixname": "airflow", "pool": task.pool,
        "pool_slots": 1,
        "queue": task.queue, "priority_weight": 1, "operator": operator, "operator_name": operator_name,
        "queued_when": stamp_v2(look.queued), "scheduled_when": stamp_v2(look.scheduled),
        "pid": 4711 if look.start else None, "executor": None, "executor_config": "{}",
        "dag_version": version_of(run)}


def task_v2(each, look):
    return try_v2(each, look) | {
        "id": look.uuid, "logical_date": stamp_v2(interval_of(each.run)[1]),
        "run_after": stamp_v2(each.run.due),
        "note": None, "rendered_map_index": None,
        "rendered_fields": {"templates_dict": None, "op_args": [], "op_kwargs": {}}, "trigger": None,
        "triggerer_job": None}


def pool_row(world, pool, used):
    is_limited = pool.slots >= 0
    occupied = used["running"] + used["queued"]
    row = {"deferred_slots": used["deferred"], "description": pool.description, "include_deferred": False,
           "name": pool.name, "occupied_slots": occupied,
           "open_slots": pool.slots - occupied if is_limited else -1,
           "queued_slots": used["queued"], "running_slots": used["running"],
           "scheduled_slots": used["scheduled"],
           "slots": pool.slots}
    return row if world.is_v1 else row | {"team_name": None}


def import_error(world, number, file, parsed):
    path = f"/opt/airflow/dags/{file}"
    row = {"import_error_id": number, "filename": path if world.is_v1 else file,
           "stack_trace": f'Traceback (most recent call last):\n  File "{path}", line 3, in <module>\n'
                          "    import ticket_api\nModuleNotFoundError: No module named 'ticket_api'\n",
           "timestamp": (stamp_v1 if world.is_v1 else stamp_v2)(parsed)}
    return row if world.is_v1 else row | {"bundle_name": "dags-folder"}


def asset_row(world, number, asset, last_event):
    stamp = stamp_v1 if world.is_v1 else stamp_v2
    made = {"created_at": stamp(world.start - 86400 * 30), "updated_at": stamp(world.start - 86400 * 30)}
    consumers = [{"dag_id": dag.id, **made} for dag in world.dags.values() if dag.asset == asset.uri]
    producers = [{"dag_id": dag.id, "task_id": task.name, **made} for dag in world.dags.values()
                 for task in dag.tasks if task.outlet == asset.uri]
    row = {"id": number, "uri": asset.uri, "extra": {}, **made, "producing_tasks": producers,
           "aliases": []}
    if world.is_v1:
        return row | {"consuming_dags": consumers}
    return row | {
        "name": asset.uri, "group": asset.group, "scheduled_dags": consumers, "consuming_tasks": [],
        "watchers": [],
        "last_asset_event": last_event and {"id": last_event[1], "timestamp": stamp(last_event[0])}}


def asset_event(world, event):
    time, number, uri, each, consumer = event
    stamp = stamp_v1 if world.is_v1 else stamp_v2
    asset_id = 1 + [asset.uri for asset in world.assets].index(uri)
    look = consumer and consumer.looks.at(world.now)
    made = []
    if look:
        begin, end = consumer.interval if world.is_v1 else (None, None)
        made = [{"dag_run_id" if world.is_v1 else "run_id": consumer.id, "dag_id": consumer.dag.id,
                 "logical_date": stamp(begin), "start_date": stamp(look.start),
                 "end_date": stamp(look.end),
                 "state": look.state, "data_interval_start": stamp(begin),
                 "data_interval_end": stamp(end)}]
    row = {"id": number, "extra": {}, "source_task_id": each.task.name, "source_dag_id": each.run.dag.id,
           "source_run_id": each.run.id, "source_map_index": each.map_index, "created_dagruns": made,
           "timestamp": stamp(time)}
    if world.is_v1:
        return row | {"dataset_id": asset_id, "dataset_uri": uri}
    for each_run in made:
        each_run.update({"partition_key": None, "triggering": True})
    group = world.assets[asset_id - 1].group
    return row | {"asset_id": asset_id, "uri": uri, "name": uri, "group": group, "partition_key": None}
