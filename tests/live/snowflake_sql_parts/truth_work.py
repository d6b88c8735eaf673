"""The expected results of the statements about work: what runs, loads, logs in and waits."""

from truth import (add_up, at_least_0, at_most, bucket, count_if, label, lower, milliseconds_between, newest,
                   oldest, second, seconds_between, total, within)  # fmt: skip
from truth_cost import BY_SCHEMA, HOUR

FIVE_MINUTES = 300
CLASSES = {
    "SELECT": "select", "CALL": "call",
    **dict.fromkeys(("INSERT", "UPDATE", "DELETE", "MERGE", "MULTI_TABLE_INSERT", "TRUNCATE_TABLE"), "dml"),
    **dict.fromkeys(("COPY", "UNLOAD", "PUT_FILES", "GET_FILES", "REMOVE_FILES", "LIST_FILES"), "files"),
    **dict.fromkeys(("SHOW", "DESCRIBE", "USE", "SET", "UNSET"), "session"),
}  # fmt: skip
SUMS = {
    "V_ELAPSED_MS": "TOTAL_ELAPSED_TIME", "V_COMPILATION_MS": "COMPILATION_TIME",
    "V_EXECUTION_MS": "EXECUTION_TIME", "V_QUEUED_OVERLOAD_MS": "QUEUED_OVERLOAD_TIME",
    "V_QUEUED_PROVISIONING_MS": "QUEUED_PROVISIONING_TIME", "V_QUEUED_REPAIR_MS": "QUEUED_REPAIR_TIME",
    "V_BLOCKED_MS": "TRANSACTION_BLOCKED_TIME", "V_BYTES_SCANNED": "BYTES_SCANNED",
    "V_BYTES_WRITTEN": "BYTES_WRITTEN", "V_BYTES_SPILLED_LOCAL": "BYTES_SPILLED_TO_LOCAL_STORAGE",
    "V_BYTES_SPILLED_REMOTE": "BYTES_SPILLED_TO_REMOTE_STORAGE", "V_PARTITIONS_SCANNED": "PARTITIONS_SCANNED",
    "V_PARTITIONS_TOTAL": "PARTITIONS_TOTAL", "V_CREDITS_CLOUD_SERVICES": "CREDITS_USED_CLOUD_SERVICES",
}  # fmt: skip
BOUNDS = {"0_1": 100, "0_5": 500, "1": 1000, "5": 5000, "15": 15_000, "60": 60_000, "300": 300_000,
          "1800": 1_800_000, "7200": 7_200_000}  # fmt: skip


def events(time, by, **values):
    """For views whose rows have a time, by five minutes."""
    def truth(rows, window):
        return add_up(within(rows, time, window), by | {"B": bucket(time, FIVE_MINUTES)}, **values, NEWEST=newest(time))

    return truth


def only(truth, condition):
    return lambda rows, window: truth([row for row in rows if condition(row)], window)


def class_of(row):
    kind = row["QUERY_TYPE"] or ""
    return "ddl" if kind.startswith(("CREATE", "ALTER", "DROP")) else CLASSES.get(kind, "other")


def status_of(row):
    return "cancelled" if row["ERROR_MESSAGE"] == "SQL execution canceled" else row["EXECUTION_STATUS"].lower()


def dataset_if(condition, *parts):
    return lambda row: ".".join(row[part] or "" for part in parts).lower() if condition(row) else ""


def name_if(condition):
    return lambda row: (row["NAME"] or "") if condition(row) else ""


def is_password_alone(row):
    factors = [row["FIRST_AUTHENTICATION_FACTOR"], row["SECOND_AUTHENTICATION_FACTOR"]]
    return row["IS_SUCCESS"] == "YES" and factors in (["PASSWORD", None], ["password", None])


def load_seconds(column):
    return total(lambda row: (row[column] or 0) * (second(row["END_TIME"]) - second(row["START_TIME"])))


def warehouse_load(rows, window):
    return add_up(within(rows, "START_TIME", window),
                  {"L_WAREHOUSE": label("WAREHOUSE_NAME"), "B": lambda row: second(row["START_TIME"])},
                  V_RUNNING_SECONDS=load_seconds("AVG_RUNNING"), V_QUEUED_LOAD_SECONDS=load_seconds("AVG_QUEUED_LOAD"),
                  V_QUEUED_PROVISIONING_SECONDS=load_seconds("AVG_QUEUED_PROVISIONING"),
                  V_BLOCKED_SECONDS=load_seconds("AVG_BLOCKED"), NEWEST=newest("END_TIME"))  # fmt: skip


def pipes(rows, window):
    return add_up(within(rows, "START_TIME", window),
                  {"L_PIPE_ID": lambda row: row["PIPE_ID"], "B": bucket("START_TIME", HOUR)},
                  N_PIPE=lambda group: max(row["PIPE_NAME"] or "" for row in group), V_CREDITS=total("CREDITS_USED"),
                  V_BYTES=total("BYTES_INSERTED"), V_FILES=total("FILES_INSERTED"),
                  V_BYTES_BILLED=total("BYTES_BILLED"), NEWEST=newest("END_TIME"))  # fmt: skip


def replication_lag(rows, window):
    done = [row for row in rows if row["PHASE_NAME"] == "COMPLETED" and row["START_TIME"] >= window.seconds[0] * 1000]
    return add_up(done, {"L_GROUP": label("REPLICATION_GROUP_NAME")}, G_SNAPSHOT=newest("PRIMARY_SNAPSHOT_TIMESTAMP"))


def freshness(rows, _):
    there = [row for row in rows if row["DELETED"] is None and row["TABLE_TYPE"] == "BASE TABLE"]
    return add_up(there, {"L_DATABASE": label("TABLE_CATALOG"), "L_SCHEMA": label("TABLE_SCHEMA")},
                  G_TABLES=count_if(), G_ROWS=total("ROW_COUNT"), G_NEWEST_ALTERED=newest("LAST_ALTERED"),
                  G_OLDEST_ALTERED=oldest("LAST_ALTERED"))  # fmt: skip


def credentials(rows, window):
    now = window.seconds[-1] * 1000

    def next_expiry(group):
        return oldest("EXPIRATION_DATE")([row for row in group if (row["EXPIRATION_DATE"] or 0) >= now])

    return add_up(rows, {"L_KIND": lower("TYPE"), "L_STATUS": lower("STATUS")}, G_CREDENTIALS=count_if(),
                  G_WITHOUT_EXPIRY=count_if(lambda row: row["EXPIRATION_DATE"] is None),
                  G_NEXT_EXPIRY=next_expiry)  # fmt: skip


def delay(row):
    """How much later than scheduled a run started."""
    return at_least_0(milliseconds_between("SCHEDULED_TIME", "QUERY_START_TIME"))(row)


LATENCY = seconds_between("PIPE_RECEIVED_TIME", "LAST_LOAD_TIME")
WORK = {
    "queries": events("END_TIME", {"L_WAREHOUSE": label("WAREHOUSE_NAME"), "L_CLASS": class_of, "L_STATUS": status_of},
                      V_QUERIES=count_if(), **{name: total(column) for name, column in SUMS.items()},
                      **{f"LE_{name}": at_most("TOTAL_ELAPSED_TIME", bound) for name, bound in BOUNDS.items()}),
    "warehouse_load": warehouse_load,
    "warehouse_events": only(
        events("TIMESTAMP", {"L_WAREHOUSE": label("WAREHOUSE_NAME"), "L_EVENT": lower("EVENT_NAME"),
                             "L_REASON": lower("EVENT_REASON"), "L_STATE": lower("EVENT_STATE")}, V_EVENTS=count_if()),
        lambda row: row["EVENT_NAME"] != "WAREHOUSE_CONSISTENT"),
    "logins": events("EVENT_TIMESTAMP",
                     {"L_CLIENT": lambda row: (row["REPORTED_CLIENT_TYPE"] or "").lower()
                      if row["IS_SUCCESS"] == "YES" else "",
                      "L_FACTOR": lower("FIRST_AUTHENTICATION_FACTOR"),
                      "L_SECOND_FACTOR": lambda row: "yes" if row["SECOND_AUTHENTICATION_FACTOR"] else "no",
                      "L_SUCCESS": lower("IS_SUCCESS")}, V_LOGINS=count_if()),
    "login_errors": only(events("EVENT_TIMESTAMP", {"L_CODE": lambda row: row["ERROR_CODE"] or 0},
                                V_FAILED=count_if()), lambda row: row["IS_SUCCESS"] == "NO"),
    "login_users": only(events("EVENT_TIMESTAMP", {"L_USER": label("USER_NAME")}, V_FAILED=count_if()),
                        lambda row: row["IS_SUCCESS"] == "NO"),
    "login_passwords": only(events("EVENT_TIMESTAMP", {"L_USER": label("USER_NAME")}, V_LOGINS=count_if()),
                            is_password_alone),
    "pipes": pipes,
    "copies": events("LAST_LOAD_TIME",
                     {"L_DATABASE": label("TABLE_CATALOG_NAME"), "L_SCHEMA": label("TABLE_SCHEMA_NAME"),
                      "L_DATASET": dataset_if(lambda row: row["STATUS"].lower() != "loaded", "TABLE_CATALOG_NAME",
                                              "TABLE_SCHEMA_NAME", "TABLE_NAME"),
                      "L_STATUS": lambda row: row["STATUS"].lower().replace(" ", "_")},
                     V_FILES=count_if(), V_ROWS=total("ROW_COUNT"), V_ERROR_ROWS=total("ERROR_COUNT"),
                     V_BYTES=total("FILE_SIZE"), V_TIMED=count_if(lambda row: LATENCY(row) is not None),
                     V_LATENCY_SECONDS=total(at_least_0(LATENCY)),
                     **{f"LE_{bound}": at_most(LATENCY, bound) for bound in (60, 300, 1800)}),
    "tasks": events("COMPLETED_TIME",
                    BY_SCHEMA | {"L_TASK": name_if(lambda row: row["STATE"].startswith("FAILED")),
                                 "L_STATE": lower("STATE")},
                    V_RUNS=count_if(),
                    V_RUN_MS=total(at_least_0(milliseconds_between("QUERY_START_TIME", "COMPLETED_TIME"))),
                    V_START_DELAY_MS=total(delay), V_RETRIES=count_if(lambda row: (row["ATTEMPT_NUMBER"] or 0) > 1)),
    "dynamic_tables": events("REFRESH_END_TIME",
                             BY_SCHEMA | {"L_DATASET": dataset_if(lambda row: row["STATE"].endswith("FAILED"),
                                                                  "DATABASE_NAME", "SCHEMA_NAME", "NAME"),
                                          "L_STATE": lower("STATE"), "L_ACTION": lower("REFRESH_ACTION")},
                             V_REFRESHES=count_if(),
                             V_LATE=count_if(lambda row: row["COMPLETION_TARGET"] is not None
                                             and row["REFRESH_END_TIME"] > row["COMPLETION_TARGET"]),
                             V_REFRESH_MS=total(at_least_0(milliseconds_between("REFRESH_START_TIME",
                                                                                "REFRESH_END_TIME")))),
    "replication_refreshes": only(
        events("END_TIME", {"L_GROUP": label("REPLICATION_GROUP_NAME"), "L_OUTCOME": lower("PHASE_NAME")},
               V_REFRESHES=count_if(), V_SECONDS=total(at_least_0(seconds_between("START_TIME", "END_TIME")))),
        lambda row: row["PHASE_NAME"] in ("COMPLETED", "FAILED", "CANCELED")),
    "replication_lag": replication_lag,
    "freshness": freshness,
    "credentials": credentials,
    "locks": events("REQUESTED_AT", {"L_DATABASE": label("DATABASE_NAME"), "L_KIND": lower("LOCK_TYPE")},
                    V_WAITS=count_if(),
                    V_WAIT_MS=total(at_least_0(milliseconds_between("REQUESTED_AT", "ACQUIRED_AT")))),
    "alerts": events("COMPLETED_TIME",
                     BY_SCHEMA | {"L_ALERT": name_if(lambda row: row["STATE"] != "CONDITION_FALSE"),
                                  "L_STATE": lower("STATE")}, V_RUNS=count_if()),
}  # fmt: skip
