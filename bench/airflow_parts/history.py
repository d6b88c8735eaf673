"""Past DAGs with runs and task instances, inserted by SQL as copies of one that ran."""

TASKS = 5  # of each run
EVERY = "interval '13 seconds'"  # 6,600 runs a day, whatever the size


def copied(postgres, table, source, values):
    """An INSERT of copies of the row named b, with other `values`; `source` also determines how many."""
    columns = postgres.sql("select string_agg(column_name, ',' order by ordinal_position) "
                           f"from information_schema.columns where table_name = '{table}'").split(",")  # fmt: skip
    assert not set(values) - set(columns), f"{table} has other columns: {columns}"
    return (f"insert into {table} ({','.join(columns)}) "
            f"select {','.join(values.get(name, 'b.' + name) for name in columns)} from {source};")  # fmt: skip


def add_dags(postgres, count):
    """Adds DAGs to a bundle without files, so that Airflow leaves them alone. They are due tomorrow."""
    each = f"generate_series(0, {count - 1}) i, lateral (select 'history_' || i as d) n"
    of = "from {} where dag_id = 'work_9' limit 1"
    statements = [
        "begin; set session_replication_role = replica;",
        "insert into dag_bundle (name, active) values ('history', true);",
        copied(postgres, "dag", f"{each}, (select * {of.format('dag')}) b", {
            "dag_id": "d", "bundle_name": "'history'", "relative_fileloc": "d || '.py'",
            "fileloc": "'/history/' || d || '.py'", "is_paused": "false",
            "next_dagrun_create_after": "now() + interval '1 day'"}),
        copied(postgres, "dag_version", f"{each}, (select * {of.format('dag_version')}) b", {
            "id": "gen_random_uuid()", "dag_id": "d", "bundle_name": "'history'"}),
        copied(postgres, "dag_tag", f"{each}, (select * {of.format('dag_tag')}) b", {"dag_id": "d"}),
        copied(postgres, "serialized_dag", f"{each}, (select * {of.format('serialized_dag')}) b, dag_version v", {
            "id": "gen_random_uuid()", "dag_id": "d", "dag_hash": "md5(d)", "dag_version_id": "v.id",
            "data": "replace(b.data::text, 'work_9', d)::jsonb"})[:-1] + " where v.dag_id = d;",
        "commit;"]  # fmt: skip
    postgres.sql("\n".join(statements))


def add_runs(postgres, dags, first, last):
    """Adds the runs with these numbers, of which 0 is the newest, and their task instances. A tenth of each
    DAG's runs has failed, but not its last one."""
    postgres.sql("create table if not exists version_of as select dag_id, id from dag_version "
                 "where dag_id like 'history_%'")  # fmt: skip
    template = "select run_id from dag_run where dag_id = 'work_9' and state = 'success' order by id limit 1"
    runs = (f"(select i, 'history_' || i % {dags} as d, now() - interval '1 hour' - i * {EVERY} as e, "
            f"i >= {dags} and (i + i / {dags}) % 10 = 0 as fails from generate_series({first}, {last - 1}) i order by i desc) n "
            "join version_of v on v.dag_id = d")  # fmt: skip
    name = "'history__' || i"
    state = "case when {} then 'failed' else 'success' end"
    ended = "e + interval '30 seconds'"
    indexes = [row.split("|") for row in postgres.sql(
        "select indexrelid::regclass, pg_get_indexdef(indexrelid) from pg_index where not indisunique "
        "and indrelid in ('dag_run'::regclass, 'task_instance'::regclass)").splitlines()]  # fmt: skip
    postgres.sql("\n".join([
        "begin; set session_replication_role = replica; set local maintenance_work_mem = '1GB';",
        *(f"drop index {index};" for index, _ in indexes),
        copied(postgres, "dag_run", f"{runs}, (select * from dag_run where dag_id = 'work_9' and run_id in "
               f"({template})) b", {
                   "id": "nextval('dag_run_id_seq')", "dag_id": "d", "run_id": name, "state": state.format("fails"),
                   **dict.fromkeys(["logical_date", "data_interval_start", "data_interval_end", "run_after",
                                    "queued_at", "start_date", "created_at"], "e"),
                   "end_date": ended, "updated_at": ended, "last_scheduling_decision": ended,
                   "created_dag_version_id": "v.id"}),
        # Like Airflow's own ids (UUID version 7), these start with the time.
        copied(postgres, "task_instance", f"{runs}, (select * from task_instance where dag_id = 'work_9' and "
               f"run_id in ({template})) b", {
                   "id": "(lpad(to_hex((extract(epoch from e) * 1000)::bigint), 12, '0') || '7' || "
                         "substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid",
                   "dag_id": "d", "run_id": name, "state": state.format("fails and b.task_id = 'last'"),
                   "start_date": "e", "end_date": ended, "updated_at": ended, "duration": "30",
                   "dag_version_id": "v.id"}),
        *(f"{definition};" for _, definition in indexes), "commit;", "vacuum analyze;"]))  # fmt: skip


def fill(deployment, dags, task_instances):
    """Adds the DAGs unless they exist, and the missing task instances. A work DAG must have run before."""
    postgres = deployment.postgres
    if not deployment.number("select count(*) from dag where dag_id like 'history_%'"):
        add_dags(postgres, dags)
    first = int(deployment.number("select count(*) from dag_run where run_id like 'history_%'"))
    add_runs(postgres, dags, first, task_instances // TASKS)
