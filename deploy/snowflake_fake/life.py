"""Events of the account: statements, tasks, refreshes, files, logins."""

import json
from typing import NamedTuple

from snowflake_fake import objects
from snowflake_fake.protocol import Refusal

MINUTE, HOUR, DAY = 60, 3600, 86400
CANCELLED = "SQL execution canceled"
WHOLE = 0.1  # share of events that happen or end at a bound of buckets or histograms


class Workload(NamedTuple):
    """A kind of statement that runs repeatedly."""

    warehouse: str
    every: float
    seconds: tuple  # minimum and maximum duration
    kind: str
    user: str
    burst: int = 1  # number of statements that arrive together
    hours: tuple = (0, 24)  # hours of the day
    text: str = ""
    tag: str = ""


def dbt_comment(node, version="1.9.4"):
    return "/* " + json.dumps({"app": "dbt", "dbt_version": version, "profile_name": "demo",
                               "target_name": "prod", "node_id": f"model.shop.{node}"}) + " */"


# dbt's comment is at the start up to 1.9 and at the end since. A query tag that a template of Airflow
# renders is a printed Python dictionary.
WORKLOADS = (
    Workload("LOAD_WH", 15 * MINUTE, (20, 90), "COPY", "LOADER", burst=2,
             tag=str({"dag_id": "ingest_orders", "task_id": "copy", "team": "loading"})),
    Workload("TRANSFORM_WH", HOUR, (30, 400), "CREATE_TABLE_AS_SELECT", "DBT", burst=12,
             text=dbt_comment("orders") + " create or replace table orders as (select 1)",
             tag=json.dumps({"team": "shop"})),
    Workload("TRANSFORM_WH", HOUR, (5, 60), "MERGE", "DBT", burst=2,
             text="merge into sessions\n" + dbt_comment("sessions", "1.10.15"),
             tag=json.dumps({"dag_id": "transform", "task_id": "dbt_build", "team": "analytics"})),
    Workload(objects.HOSTILE, 3 * MINUTE, (0.05, 30), "SELECT", "ANALYST", hours=(6, 20),
             text=f"select '{dbt_comment('quoted')}' as text"),
    Workload("ALWAYS_ON_WH", 5 * MINUTE, (0.01, 2), "SELECT", 'Service "é"\n', tag="dashboards"),
    Workload("ADHOC_WH", 3 * HOUR, (5, 1200), "SELECT", "ANALYST", hours=(7, 19)),
    Workload("ADAPTIVE_WH", 20 * MINUTE, (5, 60), "INSERT", "LOADER"),
)
CLIENTS = (("PYTHON_DRIVER", "RSA_KEYPAIR", None), ("SNOWFLAKE_UI", "PASSWORD", "MFA_TOKEN"),
           ("JDBC_DRIVER", "PASSWORD", None), ("OTHER", "OAUTH_ACCESS_TOKEN", None))
TABLES = (("RAW", 11, "EVENTS", "ORDERS", 201), ("RAW", 11, "EVENTS", "CLICKS", 202),
          ("ANALYTICS", 12, "MARTS", "ORDERS", 203), ('Données "é"\n', 13, "PUBLIC", 'Tab"le', 204))
CREDENTIALS = (("PAT", "ACTIVE", 9), ("PAT", "EXPIRED", -3), ("KEYPAIR", "ACTIVE", None),
               ("PAT", "ACTIVE", 90))  # type, status, days from the start until it expires


class Life:
    """Schedules the account's events, each when the previous one has happened."""

    def __init__(self, account):
        self.account, self.usage = account, account.usage
        self.logins = 0

    def begin(self):
        account = self.account
        for number, workload in enumerate(WORKLOADS):
            account.at(account.now + 7 * number, self.work, workload)
        for task in account.tasks:
            if task.state == "started" and task.every:
                account.at(account.now + 30, self.run_task, task)
        for table in account.dynamic_tables:
            if table.state == "RUNNING":
                table.data_timestamp = account.now
                account.at(account.now + table.every, self.refresh, table)
        for pipe in account.pipes:
            if pipe.every:
                account.at(account.now + pipe.every, self.load_file, pipe)
        for group in account.groups:
            if not group.is_primary and group.state == "STARTED" and not group.overdue:
                account.at(account.now + group.every, self.replicate, group)
        account.every(7 * MINUTE, self.log_in)
        account.every(HOUR, self.hour)
        account.every(DAY, self.day)
        self.stand()

    # Statements

    def work(self, workload):
        now, account = self.account.now, self.account
        account.at(now + workload.every, self.work, workload)
        first, last = workload.hours
        if not first <= now // HOUR % 24 < last:
            return
        for number in range(workload.burst):
            dice = account.dice("work", workload.warehouse, workload.kind, now, number)
            shortest, longest = workload.seconds
            seconds = shortest + (longest - shortest) * dice.random() ** 3
            if dice.random() < WHOLE:
                seconds = round(seconds)
            with_fault = dice.choices((None, "fail", "cancel"), (95, 4, 1))[0]
            self.execute(workload, seconds, with_fault, dice)

    def execute(self, workload, seconds, with_fault, dice):
        size = dice.randrange(1 << 32)
        fields = {"QUERY_TYPE": workload.kind, "USER_NAME": workload.user, "ROLE_NAME": "TRANSFORMER",
                  "QUERY_TEXT": workload.text, "QUERY_TAG": workload.tag, "DATABASE_NAME": "ANALYTICS",
                  "BYTES_SCANNED": size, "BYTES_WRITTEN": 0 if workload.kind == "SELECT" else size // 3,
                  "BYTES_SPILLED_TO_LOCAL_STORAGE": size // 2 if seconds > 200 else 0,
                  "BYTES_SPILLED_TO_REMOTE_STORAGE": size // 4 if seconds > 350 else 0,
                  "PARTITIONS_SCANNED": size >> 24, "PARTITIONS_TOTAL": size >> 22}
        if with_fault:
            fields |= {"EXECUTION_STATUS": "FAIL", "ERROR_CODE": 604 if with_fault == "cancel" else 1003,
                       "ERROR_MESSAGE": CANCELLED if with_fault == "cancel" else "SQL compilation error"}
        self.run(workload.warehouse, seconds, **fields)

    def run(self, warehouse, seconds, **fields):
        """Returns when the statement started and ended, its id, and whether the warehouse accepted it."""
        now = self.account.now
        try:
            query, query_id = self.account.run(warehouse, seconds, **fields)
        except Refusal as refusal:
            query_id = self.account.record(now, now, None, None, **fields | {
                "EXECUTION_STATUS": "FAIL", "ERROR_CODE": int(refusal.code),
                "ERROR_MESSAGE": refusal.message})
            return now, now, query_id, False
        return query.start, query.end, query_id, True

    # Tasks and dynamic tables

    def run_task(self, task, attempt=1):
        """Runs the task, then its successors; a failed run is retried once."""
        account, due = self.account, self.account.now
        if task.every and attempt == 1:
            account.at(due + task.every, self.run_task, task)
        dice = account.dice("task", task.name, due)
        seconds = task.seconds * dice.uniform(0.5, 2)
        state = dice.choices(("FAILED", "SKIPPED", "SUCCEEDED"),
                             (task.failures, task.skips, 1 - task.failures - task.skips))[0]
        query_id, started = None, due + dice.uniform(0.5, 4)
        ended = started + seconds
        if state == "SKIPPED":
            started, ended = None, due
        elif task.warehouse:
            started, ended, query_id, was_taken = self.run(
                task.warehouse, seconds, QUERY_TYPE="CALL", USER_NAME="SYSTEM",
                EXECUTION_STATUS="FAIL" if state == "FAILED" else "SUCCESS")
            state = state if was_taken else "FAILED"
        self.usage.add("TASK_HISTORY", ended, {
            "NAME": task.name, "SCHEMA_NAME": task.schema, "DATABASE_NAME": task.database,
            "QUERY_ID": query_id, "SCHEDULED_TIME": due, "QUERY_START_TIME": started,
            "COMPLETED_TIME": ended, "STATE": state, "RUN_ID": int(due * 1000),
            "ROOT_TASK_ID": str(task.number), "ATTEMPT_NUMBER": attempt,
            "SCHEDULED_FROM": "SCHEDULE" if attempt == 1 else "AUTOMATIC RETRY",
            "ERROR_CODE": "100038" if state == "FAILED" else None})
        if state == "FAILED" and attempt == 1:
            account.at(ended + MINUTE, self.run_task, task, 2)
        for child in account.tasks:
            if child.parent == task.name and child.state == "started" and state == "SUCCEEDED":
                account.at(ended, self.run_task, child)

    def refresh(self, table):
        """Adds a row when the refresh starts, and its end later."""
        account, started = self.account, self.account.now
        dice = account.dice("refresh", table.name, started)
        seconds = table.seconds * dice.uniform(0.8, 1.2)
        state = dice.choices(("SUCCEEDED", "FAILED", "UPSTREAM_FAILED"), (96, 3, 1))[0]
        _, ended, query_id, was_taken = self.run(table.warehouse, seconds, USER_NAME="SYSTEM",
                                                 QUERY_TYPE="DYNAMIC_TABLE_REFRESH")
        state = state if was_taken else "FAILED"
        view, rows = "DYNAMIC_TABLE_REFRESH_HISTORY", dice.randrange(10_000)
        row = self.usage.add(view, ended, {
            "NAME": table.name, "SCHEMA_NAME": table.schema, "DATABASE_NAME": table.database,
            "ID": table.number, "STATE": "EXECUTING", "QUERY_ID": query_id, "DATA_TIMESTAMP": started,
            "REFRESH_START_TIME": started, "COMPLETION_TARGET": table.data_timestamp + 300,
            "TARGET_LAG_SEC": 300, "REFRESH_TRIGGER": "SCHEDULED"}, happened=started)
        row.correct(max(row.versions[0][0], self.usage.seen(view, ended)), STATE=state,
                    REFRESH_END_TIME=ended, REFRESH_ACTION="INCREMENTAL" if rows else "NO_DATA",
                    STATISTICS={"numInsertedRows": rows, "numDeletedRows": rows // 10})
        if state == "SUCCEEDED":
            account.at(ended, setattr, table, "data_timestamp", started)
        account.at(max(started + table.every, ended), self.refresh, table)

    # Files and replication

    def load_file(self, pipe):
        """Loads a file. Rows of a table that is rarely loaded become visible two days later."""
        account, received = self.account, self.account.now
        account.at(received + pipe.every, self.load_file, pipe)
        dice = account.dice("file", pipe.name, received)
        wait = 60
        if dice.random() > WHOLE:
            received, wait = received - dice.random(), dice.expovariate(1 / 40)
        loaded, size = received + wait, dice.randrange(1 << 26)
        status = dice.choices(("Loaded", "Partially loaded", "Load failed"), (95, 3, 2))[0]
        errors = 0 if status == "Loaded" else dice.randrange(1, 50)
        self.usage.add("COPY_HISTORY", loaded, {
            "FILE_NAME": f"{pipe.table}/{received:.0f}.json", "STAGE_LOCATION": "s3://landing/",
            "FILE_SIZE": size, "LAST_LOAD_TIME": loaded,
            "ROW_COUNT": 0 if status == "Load failed" else size // 200,
            "ROW_PARSED": size // 200, "ERROR_COUNT": errors, "ERROR_LIMIT": 1, "STATUS": status,
            "TABLE_NAME": pipe.table, "TABLE_SCHEMA_NAME": pipe.schema, "TABLE_CATALOG_NAME": pipe.database,
            "PIPE_NAME": pipe.name, "PIPE_SCHEMA_NAME": pipe.schema, "PIPE_CATALOG_NAME": pipe.database,
            "PIPE_RECEIVED_TIME": received, "BYTES_BILLED": size},
            seen=loaded + 2 * DAY * dice.uniform(0.5, 1) if pipe.every > HOUR else None)

    def replicate(self, group):
        account, started = self.account, self.account.now
        account.at(started + group.every, self.replicate, group)
        dice = account.dice("replicate", group.name, started)
        started += dice.random()
        ended, size = started + dice.uniform(20, 200), dice.randrange(1 << 30)
        phase = dice.choices(("COMPLETED", "FAILED", "CANCELED"), (97, 2, 1))[0]
        self.usage.add("REPLICATION_GROUP_REFRESH_HISTORY", ended, {
            "REPLICATION_GROUP_NAME": group.name, "REPLICATION_GROUP_ID": group.number, "PHASE_NAME": phase,
            "START_TIME": started, "END_TIME": ended, "JOB_UUID": f"job-{started:.0f}",
            "TOTAL_BYTES": {"bytesDownloaded": size}, "PRIMARY_SNAPSHOT_TIMESTAMP": started - 5})

    # People

    def log_in(self, now):
        for _ in range(3):
            self.logins += 1
            dice = self.account.dice("login", self.logins)
            client, first, second = dice.choice(CLIENTS)
            failed = dice.random() < 0.1
            user = None if failed and dice.random() < 0.3 else dice.choice(("ANALYST", "DBT", "LOADER"))
            when = now if dice.random() < WHOLE else now - dice.uniform(0, 7 * MINUTE)
            self.usage.add("LOGIN_HISTORY", when, {
                "EVENT_ID": self.logins, "EVENT_TIMESTAMP": when, "EVENT_TYPE": "LOGIN", "USER_NAME": user,
                "CLIENT_IP": dice.choice(("203.0.113.9", "2001:db8::9", "INTERNAL_SNOWFLAKE_IP/0.0.0.0")),
                "REPORTED_CLIENT_TYPE": client, "REPORTED_CLIENT_VERSION": "3.12.0",
                "FIRST_AUTHENTICATION_FACTOR": first, "SECOND_AUTHENTICATION_FACTOR": second,
                "IS_SUCCESS": "NO" if failed else "YES", "ERROR_CODE": 390100 if failed else None,
                "ERROR_MESSAGE": "INCORRECT_USERNAME_PASSWORD" if failed else None})

    # What comes by the hour and by the day

    def hour(self, now):
        """Records the hour that has ended: pipes, serverless tasks, replication, alerts, locks."""
        began = now - HOUR
        times = {"START_TIME": began, "END_TIME": now}
        metering = self.account.metering
        for pipe in self.account.pipes:
            dice = self.account.dice("pipe", pipe.name, now)
            files = int(HOUR / pipe.every) if pipe.every else 0
            if not files:
                continue
            used, size = metering.dice_credits(dice, 0.02), dice.randrange(1 << 30)
            name = None if pipe.is_named_late else pipe.name
            row = self.usage.add("PIPE_USAGE_HISTORY", began, times | {
                "PIPE_ID": pipe.number, "PIPE_NAME": name, "CREDITS_USED": used,
                "BYTES_INSERTED": float(size), "FILES_INSERTED": files, "BYTES_BILLED": size}, happened=now)
            row.correct(row.versions[0][0] + HOUR, PIPE_NAME=pipe.name)
            metering.meter(began, "PIPE", used, BYTES=size, FILES=files, ENTITY_TYPE="PIPE", NAME=pipe.name)
        self.hour_of_others(began, now, times)

    def hour_of_others(self, began, now, times):
        metering, dice = self.account.metering, self.account.dice("others", now)
        for task in self.account.tasks:
            if task.warehouse is None:
                used = metering.dice_credits(dice, 0.05)
                self.usage.add("SERVERLESS_TASK_HISTORY", began, times | {
                    "CREDITS_USED": f"{used}", "TASK_ID": task.number, "TASK_NAME": task.name,
                    "SCHEMA_NAME": task.schema, "DATABASE_NAME": task.database}, happened=now)
                metering.meter(began, "SERVERLESS_TASK", used, ENTITY_TYPE="TASK", NAME=task.name)
        for group in self.account.groups:
            if group.state == "STARTED" and not group.overdue:
                used = metering.dice_credits(dice, 0.1)
                size = {"CREDITS_USED": used, "BYTES_TRANSFERRED": dice.randrange(1 << 32)}
                self.usage.add("REPLICATION_GROUP_USAGE_HISTORY", began, times | size | {
                    "REPLICATION_GROUP_NAME": group.name, "REPLICATION_GROUP_ID": group.number}, happened=now)
                self.usage.add("DATABASE_REPLICATION_USAGE_HISTORY", began, times | size | {
                    "DATABASE_NAME": "FINANCE", "DATABASE_ID": 16}, happened=now)
                metering.meter(began, "REPLICATION", used, ENTITY_TYPE="REPLICATION_GROUP", NAME=group.name)
        asked = began + dice.uniform(0, HOUR - 1)
        place = {"DATABASE_NAME": "ANALYTICS", "SCHEMA_NAME": "MARTS"}
        self.usage.add("ALERT_HISTORY", asked, place | {
            "NAME": "STALE_ORDERS", "STATE": dice.choice(("TRIGGERED", "CONDITION_FALSE", "FAILED")),
            "SCHEDULED_TIME": asked - 1, "COMPLETED_TIME": asked})
        row = self.usage.add("LOCK_WAIT_HISTORY", asked, place | {
            "OBJECT_NAME": "ORDERS", "LOCK_TYPE": "PARTITIONS", "REQUESTED_AT": asked, "ACQUIRED_AT": None})
        row.correct(row.versions[0][0] + HOUR, ACQUIRED_AT=asked + dice.uniform(0, 900))

    def stand(self):
        """Adds what exists from the first day on: tables, their storage, credentials."""
        now = self.account.now
        for database, database_id, schema, table, number in TABLES:
            self.usage.add("TABLES", now, {
                "TABLE_ID": number, "TABLE_NAME": table, "TABLE_SCHEMA": schema, "TABLE_CATALOG": database,
                "TABLE_CATALOG_ID": database_id, "TABLE_TYPE": "BASE TABLE", "ROW_COUNT": 1000,
                "BYTES": 1 << 20, "CREATED": now, "LAST_ALTERED": now, "DELETED": None})
            self.usage.add("TABLE_STORAGE_METRICS", now, {
                "ID": number, "TABLE_NAME": table, "TABLE_SCHEMA": schema, "TABLE_CATALOG": database,
                "ACTIVE_BYTES": 1 << 20, "TIME_TRAVEL_BYTES": 1 << 18, "FAILSAFE_BYTES": 1 << 19,
                "RETAINED_FOR_CLONE_BYTES": 0, "DELETED": False, "TABLE_CREATED": now})
        self.stand_dropped(now)
        for number, (kind, status, days) in enumerate(CREDENTIALS):
            self.usage.add("CREDENTIALS", now, {
                "CREDENTIAL_ID": number, "NAME": f"CREDENTIAL_{number}", "USER_NAME": "DBT", "TYPE": kind,
                "STATUS": status, "CREATED_ON": now,
                "EXPIRATION_DATE": None if days is None else self.account.start + days * DAY})

    def stand_dropped(self, now):
        """Adds dropped tables: alone, with their schema or database, and in fail-safe without names."""
        dropped = now - 2 * DAY
        gone = {"TABLE_CREATED": now - 30 * DAY, "TABLE_DROPPED": dropped, "DELETED": True,
                "ACTIVE_BYTES": 1 << 21, "TIME_TRAVEL_BYTES": 1 << 20, "FAILSAFE_BYTES": 0,
                "RETAINED_FOR_CLONE_BYTES": 0}
        for number, more in enumerate((
                {"TABLE_NAME": "ORDERS_OLD", "TABLE_SCHEMA": "EVENTS", "TABLE_CATALOG": "RAW"},
                {"TABLE_NAME": "DRAFT", "TABLE_SCHEMA": "SANDBOX", "TABLE_CATALOG": "ANALYTICS",
                 "SCHEMA_DROPPED": dropped},
                {"TABLE_NAME": "LOG", "TABLE_SCHEMA": "PUBLIC", "TABLE_CATALOG": "SCRATCH",
                 "CATALOG_DROPPED": dropped},
                {"TABLE_NAME": None, "TABLE_SCHEMA": None, "TABLE_CATALOG": None, "ACTIVE_BYTES": 0,
                 "TIME_TRAVEL_BYTES": 0, "FAILSAFE_BYTES": 1 << 22, "TABLE_ENTERED_FAILSAFE": now - DAY})):
            self.usage.add("TABLE_STORAGE_METRICS", now, gone | {"ID": 296 + number} | more)

    def day(self, now):
        """Lets all tables but the last one grow; renames a warehouse every few days."""
        if now // DAY % 10 == 0:
            self.account.rename_warehouse("ADHOC_WH", "ADHOC_WH_2")
        elif now // DAY % 10 == 5:
            self.account.rename_warehouse("ADHOC_WH_2", "ADHOC_WH")
        for view in ("TABLES", "TABLE_STORAGE_METRICS"):
            for row in self.usage.rows[view][:len(TABLES) - 1]:
                last, grown = row.versions[-1][1], self.account.dice("grow", now).randrange(1 << 20)
                seen = self.usage.seen(view, now)
                if view == "TABLES":
                    row.correct(seen, LAST_ALTERED=now, BYTES=last["BYTES"] + grown,
                                ROW_COUNT=last["ROW_COUNT"] + grown // 100)
                else:
                    row.correct(seen, ACTIVE_BYTES=last["ACTIVE_BYTES"] + grown)
