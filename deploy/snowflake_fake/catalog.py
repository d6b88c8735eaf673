"""The exporter's statements by name, as counters and gauges over the views."""

import json
import re

from snowflake_fake.answers import (APPLICATION, Counters, Gauges, at_most, count, count_if, label, last_name,
                                    lower, milliseconds, newest, number, part, seconds, sum_of, total)

HOUR, BUCKET, DAY = 3600, 300, 86400
CLASSES = {"SELECT": "select", "CALL": "call"}
CLASSES |= dict.fromkeys(("INSERT", "UPDATE", "DELETE", "MERGE", "MULTI_TABLE_INSERT", "TRUNCATE_TABLE"),
                         "dml")
CLASSES |= dict.fromkeys(("COPY", "UNLOAD", "PUT_FILES", "GET_FILES", "REMOVE_FILES", "LIST_FILES"), "files")
CLASSES |= dict.fromkeys(("SHOW", "DESCRIBE", "USE", "SET", "UNSET"), "session")
TAG = re.compile(r"QUERY_TAG\s*=\s*'((?:[^']|'')*)'")
LATENCY = {"0_1": 100, "0_5": 500, "1": 1000, "5": 5000, "15": 15000, "60": 60000, "300": 300000,
           "1800": 1800000, "7200": 7200000}


def place(database="DATABASE_NAME", schema="SCHEMA_NAME", **more):
    return {"L_DATABASE": label(database), "L_SCHEMA": label(schema)} | {
        f"L_{name.upper()}": label(column) for name, column in more.items()}


def query_class(row):
    kind = row.get("QUERY_TYPE") or ""
    return CLASSES.get(kind, "ddl" if kind.startswith(("CREATE", "ALTER", "DROP")) else "other")


def query_status(row):
    if row.get("ERROR_MESSAGE") == "SQL execution canceled":
        return "cancelled"
    return (row.get("EXECUTION_STATUS") or "").lower()


def is_own(row, request):
    """Whether the exporter ran it: by the tag that the text asks for, or by what the tag says."""
    tag = row.get("QUERY_TAG") or ""
    wanted = TAG.search(request.text)
    if wanted:
        return tag == wanted[1].replace("''", "'")
    try:
        return json.loads(tag).get("app") == APPLICATION
    except (ValueError, AttributeError):
        return False


def idle(rows):
    """Compute that no query used, where the view says what queries used."""
    return sum(max(row["CREDITS_USED_COMPUTE"] - row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"], 0) for row in rows
               if row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"] is not None)


def positive(name, sign=1):
    return lambda rows: sum(max(sign * number(row.get(name)), 0) for row in rows)


def load_seconds(name):
    return lambda rows: sum(number(row[name]) * int(row["END_TIME"] - row["START_TIME"]) for row in rows)


def run_seconds(first):
    """Milliseconds of a task that has started."""
    measure = milliseconds(*first)
    return sum_of(lambda row: None if row.get("QUERY_START_TIME") is None else measure(row))


COMPUTE_AND_CLOUD = {"V_CREDITS_COMPUTE": total("CREDITS_USED_COMPUTE"),
                     "V_CREDITS_CLOUD_SERVICES": total("CREDITS_USED_CLOUD_SERVICES")}
USED = {"V_CREDITS": total("CREDITS_USED")}
TRANSFERRED = USED | {"V_BYTES": total("BYTES_TRANSFERRED")}
LOAD_DELAY = seconds("PIPE_RECEIVED_TIME", "LAST_LOAD_TIME")

COUNTERS = {
    "warehouse_credits": Counters(
        "WAREHOUSE_METERING_HISTORY", "START_TIME", HOUR, {"L_WAREHOUSE": label("WAREHOUSE_NAME")},
        COMPUTE_AND_CLOUD | {"V_CREDITS_ATTRIBUTED": total("CREDITS_ATTRIBUTED_COMPUTE_QUERIES"),
                             "V_CREDITS_IDLE": idle, "NEWEST": newest("END_TIME")}),
    "service_credits": Counters(
        "METERING_HISTORY", "START_TIME", HOUR, {"L_SERVICE": label("SERVICE_TYPE")},
        COMPUTE_AND_CLOUD | {"V_BYTES": total("BYTES"), "V_ROWS": total("ROWS"), "V_FILES": total("FILES"),
                             "NEWEST": newest("END_TIME")}),
    "billed_credits": Counters(
        "METERING_DAILY_HISTORY", "USAGE_DATE", DAY, {"L_SERVICE": label("SERVICE_TYPE")},
        {"V_CREDITS_USED": total("CREDITS_USED"),
         "V_CREDITS_ADJUSTED": positive("CREDITS_ADJUSTMENT_CLOUD_SERVICES", -1),
         "V_CREDITS_BILLED": positive("CREDITS_BILLED")}),
    "adaptive_credits": Counters(
        "QUERY_METERING_HISTORY", "QUERY_METERING_HOUR", HOUR, {"L_WAREHOUSE_ID": label("WAREHOUSE_ID")},
        {"N_WAREHOUSE": last_name("WAREHOUSE_NAME")} | COMPUTE_AND_CLOUD),
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
        | {"NEWEST": newest("END_TIME")}),
    "own_queries": Counters(
        "QUERY_HISTORY", "END_TIME", BUCKET, {"L_WAREHOUSE": label("WAREHOUSE_NAME")},
        {"V_QUERIES": count, "V_EXECUTION_MS": total("EXECUTION_TIME"),
         "V_QUEUED_PROVISIONING_MS": total("QUEUED_PROVISIONING_TIME"),
         "V_CREDITS_CLOUD_SERVICES": total("CREDITS_USED_CLOUD_SERVICES"),
         "V_FAILED": count_if(lambda row: query_status(row) != "success"), "NEWEST": newest("END_TIME")},
        is_own),
    "warehouse_load": Counters(
        "WAREHOUSE_LOAD_HISTORY", "START_TIME", BUCKET, {"L_WAREHOUSE": label("WAREHOUSE_NAME")},
        {"V_RUNNING_SECONDS": load_seconds("AVG_RUNNING"),
         "V_QUEUED_LOAD_SECONDS": load_seconds("AVG_QUEUED_LOAD"),
         "V_QUEUED_PROVISIONING_SECONDS": load_seconds("AVG_QUEUED_PROVISIONING"),
         "V_BLOCKED_SECONDS": load_seconds("AVG_BLOCKED"), "NEWEST": newest("END_TIME")}),
    "warehouse_events": Counters(
        "WAREHOUSE_EVENTS_HISTORY", "TIMESTAMP", BUCKET,
        {"L_WAREHOUSE": label("WAREHOUSE_NAME"), "L_EVENT": label("EVENT_NAME"),
         "L_REASON": label("EVENT_REASON")},
        {"V_EVENTS": count, "NEWEST": newest("TIMESTAMP")},
        lambda row, _: row["EVENT_NAME"] != "WAREHOUSE_CONSISTENT"),
    "logins": Counters(
        "LOGIN_HISTORY", "EVENT_TIMESTAMP", BUCKET,
        {"L_CLIENT": label("REPORTED_CLIENT_TYPE"), "L_FACTOR": label("FIRST_AUTHENTICATION_FACTOR"),
         "L_SECOND_FACTOR": lambda row: "no" if row["SECOND_AUTHENTICATION_FACTOR"] is None else "yes",
         "L_SUCCESS": lower("IS_SUCCESS")},
        {"V_LOGINS": count, "V_UNKNOWN_USER": count_if(lambda row: row["USER_NAME"] is None),
         "V_INTERNAL": count_if(lambda row: row["CLIENT_IP"] == "INTERNAL_SNOWFLAKE_IP/0.0.0.0"),
         "NEWEST": newest("EVENT_TIMESTAMP")}),
    "login_errors": Counters(
        "LOGIN_HISTORY", "EVENT_TIMESTAMP", BUCKET, {"L_ERROR": lambda row: row.get("ERROR_CODE") or 0},
        {"V_FAILED": count}, lambda row, _: row["IS_SUCCESS"] == "NO"),
    "login_users": Counters(
        "LOGIN_HISTORY", "EVENT_TIMESTAMP", BUCKET, {"L_USER": label("USER_NAME")},
        {"V_FAILED": count_if(lambda row: row["IS_SUCCESS"] == "NO"),
         "V_SUCCEEDED": count_if(lambda row: row["IS_SUCCESS"] == "YES")}),
    "pipes": Counters(
        "PIPE_USAGE_HISTORY", "START_TIME", HOUR, {"L_PIPE_ID": label("PIPE_ID")},
        {"N_PIPE": last_name("PIPE_NAME"), "V_CREDITS": total("CREDITS_USED"),
         "V_BYTES": total("BYTES_INSERTED"), "V_FILES": total("FILES_INSERTED"),
         "V_BYTES_BILLED": total("BYTES_BILLED"), "NEWEST": newest("END_TIME")}),
    "copies": Counters(
        "COPY_HISTORY", "LAST_LOAD_TIME", BUCKET,
        place("TABLE_CATALOG_NAME", "TABLE_SCHEMA_NAME", table="TABLE_NAME", pipe="PIPE_NAME")
        | {"L_STATUS": lambda row: row["STATUS"].lower().replace(" ", "_")},
        {"V_FILES": count, "V_ROWS": total("ROW_COUNT"), "V_ERROR_ROWS": total("ERROR_COUNT"),
         "V_BYTES": total("FILE_SIZE"),
         "V_TIMED": count_if(lambda row: row.get("PIPE_RECEIVED_TIME") is not None),
         "V_LATENCY_SECONDS": sum_of(LOAD_DELAY)}
        | {f"LE_{bound}": at_most(LOAD_DELAY, bound) for bound in (60, 300, 1800)}
        | {"NEWEST": newest("LAST_LOAD_TIME")}),
    "tasks": Counters(
        "TASK_HISTORY", "COMPLETED_TIME", BUCKET, place(task="NAME") | {"L_STATE": lower("STATE")},
        {"V_RUNS": count, "V_RUN_MS": run_seconds(("QUERY_START_TIME", "COMPLETED_TIME")),
         "V_START_DELAY_MS": run_seconds(("SCHEDULED_TIME", "QUERY_START_TIME")),
         "V_RETRIES": count_if(lambda row: row["ATTEMPT_NUMBER"] > 1), "NEWEST": newest("COMPLETED_TIME")}),
    "serverless_tasks": Counters(
        "SERVERLESS_TASK_HISTORY", "START_TIME", HOUR, place(task="TASK_NAME"), USED),
    "dynamic_tables": Counters(
        "DYNAMIC_TABLE_REFRESH_HISTORY", "REFRESH_END_TIME", BUCKET,
        place(table="NAME") | {"L_STATE": lower("STATE"), "L_ACTION": lower("REFRESH_ACTION")},
        {"V_REFRESHES": count,
         "V_LATE": count_if(lambda row: row["REFRESH_END_TIME"] > row["COMPLETION_TARGET"]),
         "V_REFRESH_MS": sum_of(milliseconds("REFRESH_START_TIME", "REFRESH_END_TIME")),
         "V_ROWS_INSERTED": part("STATISTICS", "numInsertedRows"),
         "V_ROWS_DELETED": part("STATISTICS", "numDeletedRows"), "NEWEST": newest("REFRESH_END_TIME")}),
    "clustering": Counters(
        "AUTOMATIC_CLUSTERING_HISTORY", "START_TIME", HOUR, place(),
        USED | {"V_BYTES": total("NUM_BYTES_RECLUSTERED"), "V_ROWS": total("NUM_ROWS_RECLUSTERED")}),
    "materialized_views": Counters("MATERIALIZED_VIEW_REFRESH_HISTORY", "START_TIME", HOUR, place(), USED),
    "search_optimization": Counters("SEARCH_OPTIMIZATION_HISTORY", "START_TIME", HOUR, place(), USED),
    "database_replication": Counters(
        "DATABASE_REPLICATION_USAGE_HISTORY", "START_TIME", HOUR, {"L_DATABASE": label("DATABASE_NAME")},
        TRANSFERRED),
    "replication_usage": Counters(
        "REPLICATION_GROUP_USAGE_HISTORY", "START_TIME", HOUR, {"L_GROUP": label("REPLICATION_GROUP_NAME")},
        TRANSFERRED),
    "replication_refreshes": Counters(
        "REPLICATION_GROUP_REFRESH_HISTORY", "END_TIME", BUCKET,
        {"L_GROUP": label("REPLICATION_GROUP_NAME"), "L_OUTCOME": lower("PHASE_NAME")},
        {"V_REFRESHES": count, "V_SECONDS": sum_of(seconds("START_TIME", "END_TIME")),
         "V_BYTES_DOWNLOADED": part("TOTAL_BYTES", "bytesDownloaded"), "NEWEST": newest("END_TIME")},
        lambda row, _: row["PHASE_NAME"] in ("COMPLETED", "FAILED", "CANCELED")),
    "transfer": Counters(
        "DATA_TRANSFER_HISTORY", "START_TIME", HOUR,
        {"L_SOURCE_CLOUD": label("SOURCE_CLOUD"), "L_SOURCE_REGION": label("SOURCE_REGION"),
         "L_TARGET_CLOUD": label("TARGET_CLOUD"), "L_TARGET_REGION": label("TARGET_REGION"),
         "L_TYPE": label("TRANSFER_TYPE")}, {"V_BYTES": total("BYTES_TRANSFERRED")}),
    "alerts": Counters(
        "ALERT_HISTORY", "COMPLETED_TIME", BUCKET, place(alert="NAME") | {"L_STATE": lower("STATE")},
        {"V_RUNS": count}),
    "locks": Counters(
        "LOCK_WAIT_HISTORY", "REQUESTED_AT", BUCKET,
        {"L_DATABASE": label("DATABASE_NAME"), "L_TYPE": lower("LOCK_TYPE")},
        {"V_WAITS": count, "V_WAIT_MS": sum_of(milliseconds("REQUESTED_AT", "ACQUIRED_AT"))}),
    "currency": Counters(
        "USAGE_IN_CURRENCY_DAILY", "USAGE_DATE", DAY,
        {"L_ACCOUNT": label("ACCOUNT_NAME"), "L_RATING_TYPE": label("RATING_TYPE"),
         "L_SERVICE": label("SERVICE_TYPE"), "L_CURRENCY": label("CURRENCY")},
        {"V_CHARGED": positive("USAGE_IN_CURRENCY"), "V_CREDITED": positive("USAGE_IN_CURRENCY", -1)}),
}


# Gauges

def newest_by(rows, request, day, *key):
    """Of each key the row of the last day, of those from the bound on."""
    last = {}
    for row in rows:
        if row[day] >= request.low:
            last[tuple(row.get(name) for name in key)] = row  # rows come in the order of time
    return list(last.values())


def storage(rows, request):
    return [[row["USAGE_DATE"], row["STORAGE_BYTES"], row["STAGE_BYTES"], row["FAILSAFE_BYTES"],
             row["HYBRID_TABLE_STORAGE_BYTES"]] for row in newest_by(rows, request, "USAGE_DATE")]


def database_storage(rows, request):
    return [[row["DATABASE_NAME"], row["DATABASE_ID"], row["USAGE_DATE"], row["AVERAGE_DATABASE_BYTES"],
             row["AVERAGE_FAILSAFE_BYTES"], int(row["DELETED"] is not None)]
            for row in newest_by(rows, request, "USAGE_DATE", "DATABASE_ID")]


def by_schema(rows):
    found = {}
    for row in rows:
        found.setdefault((row["TABLE_CATALOG"] or "", row["TABLE_SCHEMA"] or ""), []).append(row)
    return found.items()


def table_storage(rows, _):
    sizes = ("ACTIVE_BYTES", "TIME_TRAVEL_BYTES", "FAILSAFE_BYTES", "RETAINED_FOR_CLONE_BYTES")
    found = []
    for key, group in by_schema(rows):
        alive = [row for row in group
                 if not row.get("TABLE_DROPPED") and not row.get("TABLE_ENTERED_FAILSAFE")]
        gone = [row for row in group if row not in alive and any(row[name] for name in sizes)]
        found.append([*key, len(alive), len(gone), total("ACTIVE_BYTES")(alive), total("ACTIVE_BYTES")(gone),
                      *(total(name)(alive + gone) for name in sizes[1:])])
    return [row for row in found if row[2] or row[3]]


def freshness(rows, _):
    kept = [row for row in rows if row["DELETED"] is None and row["TABLE_TYPE"] == "BASE TABLE"]
    return [[*key, len(group), total("ROW_COUNT")(group), total("BYTES")(group),
             max(int(row["LAST_ALTERED"]) for row in group), min(int(row["LAST_ALTERED"]) for row in group)]
            for key, group in by_schema(kept)]


def credentials(rows, request):
    """The bound is now: what expires later than it."""
    found = {}
    for row in rows:
        found.setdefault((row["TYPE"], row["STATUS"].lower()), []).append(row["EXPIRATION_DATE"])
    answered = []
    for key, dates in found.items():
        ahead = [date for date in dates if date is not None and date >= request.low]
        soon = [date for date in ahead if date < request.low + 14 * DAY]
        answered.append([*key, len(dates), dates.count(None), min(map(int, ahead), default=None), len(soon)])
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
             row["FORECASTED_VALUE"]] for row in newest_by(rows, request, "DATE")]


def balance(rows, request):
    return [[row["CONTRACT_NUMBER"], row["CURRENCY"], row["DATE"], row["FREE_USAGE_BALANCE"],
             row["CAPACITY_BALANCE"], row["ON_DEMAND_CONSUMPTION_BALANCE"], row["ROLLOVER_BALANCE"]]
            for row in newest_by(rows, request, "DATE", "CONTRACT_NUMBER", "CURRENCY")]


def rates(rows, request):
    key = ("ACCOUNT_NAME", "USAGE_TYPE", "SERVICE_TYPE", "CURRENCY")
    return [[*(row[name] for name in key), row["EFFECTIVE_RATE"], row["DATE"]]
            for row in newest_by([row for row in rows if not row["IS_ADJUSTMENT"]], request, "DATE", *key)]


GAUGES = {
    "storage": Gauges("STORAGE_USAGE", ("DAY", "G_TABLE_BYTES", "G_STAGE_BYTES", "G_FAILSAFE_BYTES",
                                        "G_HYBRID_BYTES"), storage),
    "database_storage": Gauges("DATABASE_STORAGE_USAGE_HISTORY", (
        "L_DATABASE", "L_DATABASE_ID", "DAY", "G_BYTES", "G_FAILSAFE_BYTES", "G_DROPPED"), database_storage),
    "table_storage": Gauges("TABLE_STORAGE_METRICS", (
        "L_DATABASE", "L_SCHEMA", "G_TABLES", "G_DROPPED_TABLES", "G_ACTIVE_BYTES", "G_DROPPED_BYTES",
        "G_TIME_TRAVEL_BYTES", "G_FAILSAFE_BYTES", "G_CLONE_BYTES"), table_storage),
    "freshness": Gauges("TABLES", ("L_DATABASE", "L_SCHEMA", "G_TABLES", "G_ROWS", "G_BYTES",
                                   "G_NEWEST_ALTERED", "G_OLDEST_ALTERED"), freshness),
    "credentials": Gauges("CREDENTIALS", ("L_TYPE", "L_STATUS", "G_CREDENTIALS", "G_WITHOUT_EXPIRY",
                                          "G_NEXT_EXPIRY", "G_EXPIRING_14D"), credentials),
    "replication_lag": Gauges("REPLICATION_GROUP_REFRESH_HISTORY", ("L_GROUP", "G_SNAPSHOT"),
                              replication_lag),
    "anomalies": Gauges("ANOMALIES_DAILY", ("DAY", "G_ANOMALY", "G_ACTUAL", "G_UPPER", "G_LOWER",
                                            "G_FORECAST"), anomalies),
    "balance": Gauges("REMAINING_BALANCE_DAILY", ("L_CONTRACT", "L_CURRENCY", "DAY", "G_FREE", "G_CAPACITY",
                                                  "G_ON_DEMAND", "G_ROLLOVER"), balance),
    "rates": Gauges("RATE_SHEET_DAILY", ("L_ACCOUNT", "L_USAGE_TYPE", "L_SERVICE", "L_CURRENCY", "G_RATE",
                                         "DAY"), rates),
}
STATEMENTS = COUNTERS | GAUGES
