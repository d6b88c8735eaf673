"""The expected results of the statements about credits, money and bytes."""

from truth import (add_up, bucket, epoch, label, last_of_each, lower, newest, of_days, total, within)  # fmt: skip
from views import days_of

HOUR = 3600
BY_SCHEMA = {"L_DATABASE": label("DATABASE_NAME"), "L_SCHEMA": label("SCHEMA_NAME")}


def day(column):
    return lambda row: epoch(row[column])


def hourly(by, step=HOUR, **values):
    """For views whose rows have a start and an end, by hour; with step 1, for views with hourly rows."""
    def truth(rows, window):
        return add_up(within(rows, "START_TIME", window), by | {"B": bucket("START_TIME", step)},
                      **values, NEWEST=newest("END_TIME"))  # fmt: skip

    return truth


def idle(row):
    if row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"] is None:
        return 0
    return max(0, (row["CREDITS_USED_COMPUTE"] or 0) - row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"])


def positive(column, sign=1):
    return lambda row: max(0, sign * (row[column] or 0))


def billed_credits(rows, window):
    return add_up(of_days(rows, "USAGE_DATE", window, days_of),
                  {"L_SERVICE": label("SERVICE_TYPE"), "B": day("USAGE_DATE")},
                  V_CREDITS_BILLED=total(positive("CREDITS_BILLED")),
                  V_CREDITS_ADJUSTED=total(positive("CREDITS_ADJUSTMENT_CLOUD_SERVICES", -1)))  # fmt: skip


def storage(rows, window):
    return [{"DAY": epoch(row["USAGE_DATE"]), "G_TABLE_BYTES": row["STORAGE_BYTES"],
             "G_STAGE_BYTES": row["STAGE_BYTES"], "G_FAILSAFE_BYTES": row["FAILSAFE_BYTES"],
             "G_HYBRID_BYTES": row["HYBRID_TABLE_STORAGE_BYTES"]}
            for row in of_days(rows, "USAGE_DATE", window, days_of)]  # fmt: skip


def database_storage(rows, window):
    return add_up(of_days(rows, "USAGE_DATE", window, days_of),
                  {"L_DATABASE": lambda row: (row["DATABASE_NAME"] or "") if row["DELETED"] is None else "",
                   "DAY": day("USAGE_DATE")},
                  G_BYTES=total("AVERAGE_DATABASE_BYTES"),
                  G_FAILSAFE_BYTES=total("AVERAGE_FAILSAFE_BYTES"))  # fmt: skip


def table_storage(rows, _):
    kinds = ("ACTIVE_BYTES", "TIME_TRAVEL_BYTES", "FAILSAFE_BYTES", "RETAINED_FOR_CLONE_BYTES")

    def part(column):
        gone = ("SCHEMA_DROPPED", "CATALOG_DROPPED")
        return lambda row: (row[column] or "") if all(row[each] is None for each in gone) else ""

    def is_there(row):
        return row["TABLE_DROPPED"] is None and row["TABLE_ENTERED_FAILSAFE"] is None

    return add_up([row for row in rows if any(row[kind] for kind in kinds)],
                  {"L_DATABASE": part("TABLE_CATALOG"), "L_SCHEMA": part("TABLE_SCHEMA")},
                  G_ACTIVE_BYTES=total(lambda row: row["ACTIVE_BYTES"] if is_there(row) else 0),
                  G_DROPPED_BYTES=total(lambda row: 0 if is_there(row) else row["ACTIVE_BYTES"]),
                  G_TIME_TRAVEL_BYTES=total("TIME_TRAVEL_BYTES"), G_FAILSAFE_BYTES=total("FAILSAFE_BYTES"),
                  G_CLONE_BYTES=total("RETAINED_FOR_CLONE_BYTES"))  # fmt: skip


def anomalies(rows, window):
    """If a day was judged several times, the first one counts."""
    days = of_days(rows, "DATE", window, days_of)
    first = last_of_each(sorted(days, key=lambda row: row["ANOMALY_ID"], reverse=True), ("DATE",), lambda row: 0)
    return [{"DAY": epoch(row["DATE"]), "G_ANOMALY": 1 if row["IS_ANOMALY"] else 0, "G_ACTUAL": row["ACTUAL_VALUE"],
             "G_UPPER": row["UPPER_BOUND"], "G_LOWER": row["LOWER_BOUND"], "G_FORECAST": row["FORECASTED_VALUE"]}
            for row in first]  # fmt: skip


def currency(rows, window):
    return add_up(of_days(rows, "USAGE_DATE", window, days_of),
                  {"L_MEMBER": label("ACCOUNT_NAME"), "L_RATING": label("RATING_TYPE"),
                   "L_SERVICE": label("SERVICE_TYPE"), "L_CURRENCY": label("CURRENCY"), "B": day("USAGE_DATE")},
                  V_CHARGED=total(positive("USAGE_IN_CURRENCY")),
                  V_CREDITED=total(positive("USAGE_IN_CURRENCY", -1)),
                  NEWEST=lambda group: epoch(group[0]["USAGE_DATE"]))  # fmt: skip


def rates(rows, window):
    prices = [row for row in of_days(rows, "DATE", window, days_of) if not row["IS_ADJUSTMENT"]]
    return add_up(prices, {"L_MEMBER": label("ACCOUNT_NAME"), "L_USAGE": label("USAGE_TYPE"),
                           "L_SERVICE": label("SERVICE_TYPE"), "L_CURRENCY": label("CURRENCY"), "DAY": day("DATE")},
                  G_RATE=lambda group: max((row["EFFECTIVE_RATE"] for row in group
                                            if row["EFFECTIVE_RATE"] is not None), default=None))  # fmt: skip


def balance(rows, window):
    def known(column):
        return lambda group: (lambda values: sum(values) if values else None)(
            [row[column] for row in group if row[column] is not None])  # fmt: skip

    return add_up(of_days(rows, "DATE", window, days_of),
                  {"L_CONTRACT": label("CONTRACT_NUMBER"), "L_CURRENCY": label("CURRENCY"), "DAY": day("DATE")},
                  G_FREE=known("FREE_USAGE_BALANCE"), G_CAPACITY=known("CAPACITY_BALANCE"),
                  G_ON_DEMAND=known("ON_DEMAND_CONSUMPTION_BALANCE"), G_ROLLOVER=known("ROLLOVER_BALANCE"))  # fmt: skip


COST = {
    "warehouse_credits": hourly({"L_WAREHOUSE": label("WAREHOUSE_NAME")}, 1,
                                V_CREDITS_COMPUTE=total("CREDITS_USED_COMPUTE"),
                                V_CREDITS_CLOUD_SERVICES=total("CREDITS_USED_CLOUD_SERVICES"),
                                V_CREDITS_ATTRIBUTED=total("CREDITS_ATTRIBUTED_COMPUTE_QUERIES"),
                                V_CREDITS_IDLE=total(idle)),
    "service_credits": hourly({"L_SERVICE": label("SERVICE_TYPE")}, 1,
                              V_CREDITS_COMPUTE=total("CREDITS_USED_COMPUTE"),
                              V_CREDITS_CLOUD_SERVICES=total("CREDITS_USED_CLOUD_SERVICES")),
    "billed_credits": billed_credits,
    "storage": storage,
    "database_storage": database_storage,
    "table_storage": table_storage,
    "serverless_tasks": hourly(BY_SCHEMA, V_CREDITS=total(lambda row: float(row["CREDITS_USED"] or 0))),
    "clustering": hourly(BY_SCHEMA, V_CREDITS=total("CREDITS_USED"), V_BYTES=total("NUM_BYTES_RECLUSTERED"),
                         V_ROWS=total("NUM_ROWS_RECLUSTERED")),
    "search_optimization": hourly(BY_SCHEMA, V_CREDITS=total("CREDITS_USED")),
    "materialized_views": hourly(BY_SCHEMA, V_CREDITS=total(lambda row: float(row["CREDITS_USED"] or 0))),
    "replication_usage": hourly({"L_GROUP": label("REPLICATION_GROUP_NAME")}, V_CREDITS=total("CREDITS_USED"),
                                V_BYTES=total("BYTES_TRANSFERRED")),
    "database_replication": hourly({"L_DATABASE": label("DATABASE_NAME")}, V_CREDITS=total("CREDITS_USED"),
                                   V_BYTES=total("BYTES_TRANSFERRED")),
    "transfer": hourly({"L_SOURCE_CLOUD": lower("SOURCE_CLOUD"), "L_SOURCE_REGION": lower("SOURCE_REGION"),
                        "L_TARGET_CLOUD": lower("TARGET_CLOUD"), "L_TARGET_REGION": lower("TARGET_REGION"),
                        "L_KIND": lower("TRANSFER_TYPE")}, V_BYTES=total("BYTES_TRANSFERRED")),
    "anomalies": anomalies,
    "currency": currency,
    "rates": rates,
    "balance": balance,
}  # fmt: skip
