"""The exporter's statements by name, as counters and gauges of the views."""

import operator

from snowflake_fake.answers import (Counters, Gauges, at_most, count, count_if, dataset, label, label_if,
                                    last_name, lower, milliseconds, newest, number, seconds, sum_of, total)
from snowflake_fake.attribution import with_owners, with_tags

HOUR, BUCKET, DAY = 3600, 300, 86400
CLASSES = {"SELECT": "select", "CALL": "call"}
CLASSES |= dict.fromkeys(("INSERT", "UPDATE", "DELETE", "MERGE", "MULTI_TABLE_INSERT", "TRUNCATE_TABLE"),
                         "dml")
CLASSES |= dict.fromkeys(("COPY", "UNLOAD", "PUT_FILES", "GET_FILES", "REMOVE_FILES", "LIST_FILES"), "files")
CLASSES |= dict.fromkeys(("SHOW", "DESCRIBE", "USE", "SET", "UNSET"), "session")
LATENCY = {"0_1": 100, "0_5": 500, "1": 1000, "5": 5000, "15": 15000, "60": 60000, "300": 300000,
           "1800": 1800000, "7200": 7200000}


def place(database="DATABASE_NAME", schema="SCHEMA_NAME"):
    return {"L_DATABASE": label(database), "L_SCHEMA": label(schema)}


def query_class(row):
    kind = row.get("QUERY_TYPE") or ""
    return CLASSES.get(kind, "ddl" if kind.startswith(("CREATE", "ALTER", "DROP")) else "other")


def query_status(row):
    if row.get("ERROR_MESSAGE") == "SQL execution canceled":
        return "cancelled"
    return (row.get("EXECUTION_STATUS") or "").lower()


def is_password_alone(row):
    return (row["IS_SUCCESS"] == "YES" and lower("FIRST_AUTHENTICATION_FACTOR")(row) == "password"
            and row["SECOND_AUTHENTICATION_FACTOR"] is None)


def idle(rows):
    """The credits that no query used, of rows that have the credits of queries."""
    return sum(max(row["CREDITS_USED_COMPUTE"] - row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"], 0) for row in rows
               if row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"] is not None)


def positive(name, sign=1):
    return lambda rows: sum(max(sign * number(row.get(name)), 0) for row in rows)


def load_seconds(name):
    return lambda rows: sum(number(row[name]) * int(row["END_TIME"] - row["START_TIME"]) for row in rows)


def run_seconds(first):
    """The milliseconds of tasks that have started."""
    measure = milliseconds(*first)
    return sum_of(lambda row: None if row.get("QUERY_START_TIME") is None else measure(row))


COMPUTE_AND_CLOUD = {"V_CREDITS_COMPUTE": total("CREDITS_USED_COMPUTE"),
                     "V_CREDITS_CLOUD_SERVICES": total("CREDITS_USED_CLOUD_SERVICES")}
UNTIL = {"NEWEST": newest("END_TIME")}
USED = {"V_CREDITS": total("CREDITS_USED")}
TRANSFERRED = USED | {"V_BYTES": total("BYTES_TRANSFERRED")} | UNTIL
OWNERS = ("L_TOOL", "L_PACKAGE", "L_TARGET", "L_DAG_ID", "L_UNIQUE_ID")
ATTRIBUTED = total("CREDITS_ATTRIBUTED_COMPUTE")
LOAD_DELAY = seconds("PIPE_RECEIVED_TIME", "LAST_LOAD_TIME")

COUNTERS = {
    "warehouse_credits": Counters(
        "WAREHOUSE_METERING_HISTORY", "START_TIME", HOUR, {"L_WAREHOUSE": label("WAREHOUSE_NAME")},
        COMPUTE_AND_CLOUD | {"V_CREDITS_ATTRIBUTED": total("CREDITS_ATTRIBUTED_COMPUTE_QUERIES"),
                             "V_CREDITS_IDLE": idle} | UNTIL),
    "service_credits": Counters(
        "METERING_HISTORY", "START_TIME", HOUR, {"L_SERVICE": label("SERVICE_TYPE")},
        COMPUTE_AND_CLOUD | UNTIL),
    "billed_credits": Counters(
        "METERING_DAILY_HISTORY", "USAGE_DATE", DAY, {"L_SERVICE": label("SERVICE_TYPE")},
        {"V_CREDITS_BILLED": positive("CREDITS_BILLED"),
         "V_CREDITS_ADJUSTED": positive("CREDITS_ADJUSTMENT_CLOUD_SERVICES", -1)}),
    "attribution": Counters(
        "QUERY_ATTRIBUTION_HISTORY", "END_TIME", HOUR,
        {"L_WAREHOUSE": label("WAREHOUSE_NAME")} | {name: label(name) for name in OWNERS},
        {"V_STATEMENTS": count, "V_CREDITS": ATTRIBUTED,
         "V_NODE_CREDITS": lambda rows: ATTRIBUTED(rows) if rows[0]["L_UNIQUE_ID"] else None} | UNTIL,
        joined=with_owners),
    "query_tags": Counters(
        "QUERY_ATTRIBUTION_HISTORY", "END_TIME", HOUR,
        {"L_WAREHOUSE": label("WAREHOUSE_NAME"), "L_KEY": label("L_KEY"), "L_VALUE": label("L_VALUE")},
        {"V_CREDITS": ATTRIBUTED} | UNTIL, joined=with_tags),
    "queries": Counters(
        "QUERY_HISTORY", "END_TIME", BUCKET,
        {"L_WAREHOUSE": label("WAREHOUSE_NAME"), "L_CLASS": query_class, "L_STATUS": query_status},
        {"V_QUERIES": count, "V_ELAPSED_MS": total("TOTAL_ELAPSED_TIME"),
         "V_COMPILATION_MS": total("COMPILATION_TIME"), "V_EXECUTION_MS": total("EXECUTION_TIME"),
         "V_QUEUED_OVERLOAD_MS": total("QUEUED_OVERLOAD_TIME"),
         "V_QUEUED_PROVISIONING_MS": total("QUEUED_PROVISIONING_TIME"),
         "V_QUEUED_REPAIR_MS": total("QUEUED_REPAIR_TIME"), "V_BLOCKED_MS": total("TRANSACTION_BLOCKED_TIME"),
         "V_BYTES_SCANNED": total("BYTES_SCANNED"), "V_BYTES_WRITTEN": total("BYTES_WRITTEN"),
         "V_BYTES_SPILLED_LOCAL": total("BYTES_SPILLED_TO_LOCAL_STORAGE"),
         "V_BYTES_SPILLED_REMOTE": total("BYTES_SPILLED_TO_REMOTE_STORAGE"),
         "V_PARTITIONS_SCANNED": total("PARTITIONS_SCANNED"), "V_PARTITIONS_TOTAL": total("PARTITIONS_TOTAL"),
         "V_CREDITS_CLOUD_SERVICES": total("CREDITS_USED_CLOUD_SERVICES")}
        | {f"LE_{name}": at_most(lambda row: row.get("TOTAL_ELAPSED_TIME"), bound)
           for name, bound in LATENCY.items()}
        | UNTIL),
    "warehouse_load": Counters(
        "WAREHOUSE_LOAD_HISTORY", "START_TIME", BUCKET, {"L_WAREHOUSE": label("WAREHOUSE_NAME")},
        {"V_RUNNING_SECONDS": load_seconds("AVG_RUNNING"),
         "V_QUEUED_LOAD_SECONDS": load_seconds("AVG_QUEUED_LOAD"),
         "V_QUEUED_PROVISIONING_SECONDS": load_seconds("AVG_QUEUED_PROVISIONING"),
         "V_BLOCKED_SECONDS": load_seconds("AVG_BLOCKED")} | UNTIL),
    "warehouse_events": Counters(
        "WAREHOUSE_EVENTS_HISTORY", "TIMESTAMP", BUCKET,
        {"L_WAREHOUSE": label("WAREHOUSE_NAME"), "L_EVENT": lower("EVENT_NAME"),
         "L_REASON": lower("EVENT_REASON"), "L_STATE": lower("EVENT_STATE")},
        {"V_EVENTS": count, "NEWEST": newest("TIMESTAMP")},
        lambda row: row["EVENT_NAME"] != "WAREHOUSE_CONSISTENT"),
    "logins": Counters(
        "LOGIN_HISTORY", "EVENT_TIMESTAMP", BUCKET,
        {"L_CLIENT": label_if(lambda row: row["IS_SUCCESS"] == "YES", lower("REPORTED_CLIENT_TYPE")),
         "L_FACTOR": lower("FIRST_AUTHENTICATION_FACTOR"),
         "L_SECOND_FACTOR": lambda row: "no" if row["SECOND_AUTHENTICATION_FACTOR"] is None else "yes",
         "L_SUCCESS": lower("IS_SUCCESS")},
        {"V_LOGINS": count, "NEWEST": newest("EVENT_TIMESTAMP")}),
    "login_errors": Counters(
        "LOGIN_HISTORY", "EVENT_TIMESTAMP", BUCKET, {"L_CODE": lambda row: row.get("ERROR_CODE") or 0},
        {"V_FAILED": count, "NEWEST": newest("EVENT_TIMESTAMP")}, lambda row: row["IS_SUCCESS"] == "NO"),
    "login_users": Counters(
        "LOGIN_HISTORY", "EVENT_TIMESTAMP", BUCKET, {"L_USER": label("USER_NAME")},
        {"V_FAILED": count, "NEWEST": newest("EVENT_TIMESTAMP")}, lambda row: row["IS_SUCCESS"] == "NO"),
    "login_passwords": Counters(
        "LOGIN_HISTORY", "EVENT_TIMESTAMP", BUCKET, {"L_USER": label("USER_NAME")},
        {"V_LOGINS": count, "NEWEST": newest("EVENT_TIMESTAMP")}, is_password_alone),
    "pipes": Counters(
        "PIPE_USAGE_HISTORY", "START_TIME", HOUR, {"L_PIPE_ID": label("PIPE_ID")},
        {"N_PIPE": last_name("PIPE_NAME"), "V_CREDITS": total("CREDITS_USED"),
         "V_BYTES": total("BYTES_INSERTED"), "V_FILES": total("FILES_INSERTED"),
         "V_BYTES_BILLED": total("BYTES_BILLED")} | UNTIL),
    "copies": Counters(
        "COPY_HISTORY", "LAST_LOAD_TIME", BUCKET,
        place("TABLE_CATALOG_NAME", "TABLE_SCHEMA_NAME")
        | {"L_DATASET": label_if(lambda row: row["STATUS"].lower() != "loaded", dataset(
            "TABLE_CATALOG_NAME", "TABLE_SCHEMA_NAME", "TABLE_NAME")),
           "L_STATUS": lambda row: row["STATUS"].lower().replace(" ", "_")},
        {"V_FILES": count, "V_ROWS": total("ROW_COUNT"), "V_ERROR_ROWS": total("ERROR_COUNT"),
         "V_BYTES": total("FILE_SIZE"),
         "V_TIMED": count_if(lambda row: row.get("PIPE_RECEIVED_TIME") is not None),
         "V_LATENCY_SECONDS": sum_of(LOAD_DELAY)}
        | {f"LE_{bound}": at_most(LOAD_DELAY, bound) for bound in (60, 300, 1800)}
        | {"NEWEST": newest("LAST_LOAD_TIME")}),
    "tasks": Counters(
        "TASK_HISTORY", "COMPLETED_TIME", BUCKET,
        place() | {"L_TASK": label_if(lambda row: row["STATE"].startswith("FAILED"), label("NAME")),
                   "L_STATE": lower("STATE")},
        {"V_RUNS": count, "V_RUN_MS": run_seconds(("QUERY_START_TIME", "COMPLETED_TIME")),
         "V_START_DELAY_MS": run_seconds(("SCHEDULED_TIME", "QUERY_START_TIME")),
         "V_RETRIES": count_if(lambda row: row["ATTEMPT_NUMBER"] > 1), "NEWEST": newest("COMPLETED_TIME")}),
    "serverless_tasks": Counters("SERVERLESS_TASK_HISTORY", "START_TIME", HOUR, place(), USED | UNTIL),
    "dynamic_tables": Counters(
        "DYNAMIC_TABLE_REFRESH_HISTORY", "REFRESH_END_TIME", BUCKET,
        place() | {"L_DATASET": label_if(lambda row: row["STATE"].endswith("FAILED"), dataset(
            "DATABASE_NAME", "SCHEMA_NAME", "NAME")),
            "L_STATE": lower("STATE"), "L_ACTION": lower("REFRESH_ACTION")},
        {"V_REFRESHES": count,
         "V_LATE": count_if(lambda row: row["REFRESH_END_TIME"] > row["COMPLETION_TARGET"]),
         "V_REFRESH_MS": sum_of(milliseconds("REFRESH_START_TIME", "REFRESH_END_TIME")),
         "NEWEST": newest("REFRESH_END_TIME")}),
    "clustering": Counters(
        "AUTOMATIC_CLUSTERING_HISTORY", "START_TIME", HOUR, place(),
        USED | {"V_BYTES": total("NUM_BYTES_RECLUSTERED"), "V_ROWS": total("NUM_ROWS_RECLUSTERED")} | UNTIL),
    "materialized_views": Counters(
        "MATERIALIZED_VIEW_REFRESH_HISTORY", "START_TIME", HOUR, place(), USED | UNTIL),
    "search_optimization": Counters("SEARCH_OPTIMIZATION_HISTORY", "START_TIME", HOUR, place(), USED | UNTIL),
    "database_replication": Counters(
        "DATABASE_REPLICATION_USAGE_HISTORY", "START_TIME", HOUR, {"L_DATABASE": label("DATABASE_NAME")},
        TRANSFERRED),
    "replication_usage": Counters(
        "REPLICATION_GROUP_USAGE_HISTORY", "START_TIME", HOUR, {"L_GROUP": label("REPLICATION_GROUP_NAME")},
        TRANSFERRED),
    "replication_refreshes": Counters(
        "REPLICATION_GROUP_REFRESH_HISTORY", "END_TIME", BUCKET,
        {"L_GROUP": label("REPLICATION_GROUP_NAME"), "L_OUTCOME": lower("PHASE_NAME")},
        {"V_REFRESHES": count, "V_SECONDS": sum_of(seconds("START_TIME", "END_TIME"))} | UNTIL,
        lambda row: row["PHASE_NAME"] in ("COMPLETED", "FAILED", "CANCELED")),
    "transfer": Counters(
        "DATA_TRANSFER_HISTORY", "START_TIME", HOUR,
        {"L_SOURCE_CLOUD": lower("SOURCE_CLOUD"), "L_SOURCE_REGION": lower("SOURCE_REGION"),
         "L_TARGET_CLOUD": lower("TARGET_CLOUD"), "L_TARGET_REGION": lower("TARGET_REGION"),
         "L_KIND": lower("TRANSFER_TYPE")}, {"V_BYTES": total("BYTES_TRANSFERRED")} | UNTIL),
    "alerts": Counters(
        "ALERT_HISTORY", "COMPLETED_TIME", BUCKET,
        place() | {"L_ALERT": label_if(lambda row: row["STATE"] != "CONDITION_FALSE", label("NAME")),
                   "L_STATE": lower("STATE")},
        {"V_RUNS": count, "NEWEST": newest("COMPLETED_TIME")}),
    "locks": Counters(
        "LOCK_WAIT_HISTORY", "REQUESTED_AT", BUCKET,
        {"L_DATABASE": label("DATABASE_NAME"), "L_KIND": lower("LOCK_TYPE")},
        {"V_WAITS": count, "V_WAIT_MS": sum_of(milliseconds("REQUESTED_AT", "ACQUIRED_AT")),
         "NEWEST": newest("REQUESTED_AT")}),
    "currency": Counters(
        "USAGE_IN_CURRENCY_DAILY", "USAGE_DATE", DAY,
        {"L_MEMBER": label("ACCOUNT_NAME"), "L_RATING": label("RATING_TYPE"),
         "L_SERVICE": label("SERVICE_TYPE"), "L_CURRENCY": label("CURRENCY")},
        {"V_CHARGED": positive("USAGE_IN_CURRENCY"), "V_CREDITED": positive("USAGE_IN_CURRENCY", -1),
         "NEWEST": newest("USAGE_DATE")}),
}


# Gauges

def of_days(rows, request, day):
    return [row for row in rows if request.low <= row[day] < request.high]


def storage(rows, request):
    return [[row["USAGE_DATE"], row["STORAGE_BYTES"], row["STAGE_BYTES"], row["FAILSAFE_BYTES"],
             row["HYBRID_TABLE_STORAGE_BYTES"]] for row in of_days(rows, request, "USAGE_DATE")]


def grouped(rows, *labels):
    """The rows by values of the labels."""
    found = {}
    for row in rows:
        found.setdefault(tuple(label(row) for label in labels), []).append(row)
    return found.items()


def database_storage(rows, request):
    """All dropped databases have one row."""
    name = label_if(lambda row: row["DELETED"] is None, label("DATABASE_NAME"))
    by_day = grouped(of_days(rows, request, "USAGE_DATE"), name, lambda row: row["USAGE_DATE"])
    return [[*key, total("AVERAGE_DATABASE_BYTES")(group), total("AVERAGE_FAILSAFE_BYTES")(group)]
            for key, group in by_day]


def table_storage(rows, _):
    """Tables of dropped schemas and databases have one row."""
    def is_in_place(row):
        return row.get("SCHEMA_DROPPED") is None and row.get("CATALOG_DROPPED") is None

    sizes = ("ACTIVE_BYTES", "TIME_TRAVEL_BYTES", "FAILSAFE_BYTES", "RETAINED_FOR_CLONE_BYTES")
    labels = [label_if(is_in_place, label(name)) for name in ("TABLE_CATALOG", "TABLE_SCHEMA")]
    found = []
    for key, group in grouped([row for row in rows if any(row[name] for name in sizes)], *labels):
        alive = [row for row in group
                 if row.get("TABLE_DROPPED") is None and row.get("TABLE_ENTERED_FAILSAFE") is None]
        active = total("ACTIVE_BYTES")
        found.append([*key, active(alive), active(group) - active(alive),
                      *(total(name)(group) for name in sizes[1:])])
    return found


def freshness(rows, _):
    kept = [row for row in rows if row["DELETED"] is None and row["TABLE_TYPE"] == "BASE TABLE"]
    return [[*key, len(group), total("ROW_COUNT")(group), max(int(row["LAST_ALTERED"]) for row in group),
             min(int(row["LAST_ALTERED"]) for row in group)]
            for key, group in grouped(kept, label("TABLE_CATALOG"), label("TABLE_SCHEMA"))]


def credentials(rows, request):
    """`low` is now: only later expirations count as ahead."""
    answered = []
    for key, group in grouped(rows, lower("TYPE"), lower("STATUS")):
        dates = [row["EXPIRATION_DATE"] for row in group]
        ahead = [int(date) for date in dates if date is not None and date >= request.low]
        answered.append([*key, len(dates), dates.count(None), min(ahead, default=None)])
    return answered


def replication_lag(rows, request):
    last = {}
    for row in rows:
        if row["START_TIME"] >= request.low and row["PHASE_NAME"] == "COMPLETED":
            name, at = row["REPLICATION_GROUP_NAME"], int(row["PRIMARY_SNAPSHOT_TIMESTAMP"])
            last[name] = max(at, last.get(name, at))
    return [list(each) for each in last.items()]


def anomalies(rows, request):
    return [[row["DATE"], int(row["IS_ANOMALY"]), row["ACTUAL_VALUE"], row["UPPER_BOUND"], row["LOWER_BOUND"],
             row["FORECASTED_VALUE"]] for row in of_days(rows, request, "DATE")]


def balance(rows, request):
    return [[row["CONTRACT_NUMBER"], row["CURRENCY"], row["DATE"], row["FREE_USAGE_BALANCE"],
             row["CAPACITY_BALANCE"], row["ON_DEMAND_CONSUMPTION_BALANCE"], row["ROLLOVER_BALANCE"]]
            for row in of_days(rows, request, "DATE")]


def rates(rows, request):
    names = ("ACCOUNT_NAME", "USAGE_TYPE", "SERVICE_TYPE", "CURRENCY", "DATE")
    prices = [row for row in of_days(rows, request, "DATE") if not row["IS_ADJUSTMENT"]]
    return [[*key, max(row["EFFECTIVE_RATE"] for row in group)]
            for key, group in grouped(prices, *map(operator.itemgetter, names))]


GAUGES = {
    "storage": Gauges("STORAGE_USAGE", ("DAY", "G_TABLE_BYTES", "G_STAGE_BYTES", "G_FAILSAFE_BYTES",
                                        "G_HYBRID_BYTES"), storage),
    "database_storage": Gauges("DATABASE_STORAGE_USAGE_HISTORY", (
        "L_DATABASE", "DAY", "G_BYTES", "G_FAILSAFE_BYTES"), database_storage),
    "table_storage": Gauges("TABLE_STORAGE_METRICS", (
        "L_DATABASE", "L_SCHEMA", "G_ACTIVE_BYTES", "G_DROPPED_BYTES", "G_TIME_TRAVEL_BYTES",
        "G_FAILSAFE_BYTES", "G_CLONE_BYTES"), table_storage),
    "freshness": Gauges("TABLES", ("L_DATABASE", "L_SCHEMA", "G_TABLES", "G_ROWS", "G_NEWEST_ALTERED",
                                   "G_OLDEST_ALTERED"), freshness),
    "credentials": Gauges("CREDENTIALS", ("L_KIND", "L_STATUS", "G_CREDENTIALS", "G_WITHOUT_EXPIRY",
                                          "G_NEXT_EXPIRY"), credentials),
    "replication_lag": Gauges("REPLICATION_GROUP_REFRESH_HISTORY", ("L_GROUP", "G_SNAPSHOT"),
                              replication_lag),
    "anomalies": Gauges("ANOMALIES_DAILY", ("DAY", "G_ANOMALY", "G_ACTUAL", "G_UPPER", "G_LOWER",
                                            "G_FORECAST"), anomalies),
    "balance": Gauges("REMAINING_BALANCE_DAILY", ("L_CONTRACT", "L_CURRENCY", "DAY", "G_FREE", "G_CAPACITY",
                                                  "G_ON_DEMAND", "G_ROLLOVER"), balance),
    "rates": Gauges("RATE_SHEET_DAILY", ("L_MEMBER", "L_USAGE", "L_SERVICE", "L_CURRENCY", "DAY", "G_RATE"),
                    rates),
}
STATEMENTS = COUNTERS | GAUGES
