"""What the rows of some statements add to counters, computed without the exporter's code."""

import collections
from decimal import Decimal

BOUNDS = ("0.1", "0.5", "1.0", "5.0", "15.0", "60.0", "300.0", "1800.0", "7200.0", "+Inf")
MILLISECOND = Decimal("0.001")

# What the columns of each statement add to: the family, its labels from columns, its fixed labels, and the
# unit of the column.
WAREHOUSE_LABEL, SERVICE_LABEL = {"warehouse": "L_WAREHOUSE"}, {"service": "L_SERVICE"}
PHASES = {f"V_{phase.upper()}_MS": ("snowflake_query_phase_seconds_total", WAREHOUSE_LABEL, {"phase": phase},
                                    MILLISECOND)
          for phase in ("compilation", "execution", "queued_overload", "queued_provisioning", "queued_repair",
                        "blocked")}
BYTES = {f"V_BYTES_{kind.upper()}": ("snowflake_query_bytes_total", WAREHOUSE_LABEL, {"kind": kind}, 1)
         for kind in ("scanned", "written", "spilled_local", "spilled_remote")}
ADDS = {
    "warehouse_credits": {
        "V_CREDITS_COMPUTE": ("snowflake_warehouse_credits_total", WAREHOUSE_LABEL, {"kind": "compute"}, 1),
        "V_CREDITS_CLOUD_SERVICES": ("snowflake_warehouse_credits_total", WAREHOUSE_LABEL,
                                     {"kind": "cloud_services"}, 1),
        "V_CREDITS_ATTRIBUTED": ("snowflake_warehouse_attributed_credits_total", WAREHOUSE_LABEL, {}, 1),
        "V_CREDITS_IDLE": ("snowflake_warehouse_idle_credits_total", WAREHOUSE_LABEL, {}, 1)},
    "service_credits": {
        "V_CREDITS_COMPUTE": ("snowflake_service_credits_total", SERVICE_LABEL, {"kind": "compute"}, 1),
        "V_CREDITS_CLOUD_SERVICES": ("snowflake_service_credits_total", SERVICE_LABEL,
                                     {"kind": "cloud_services"}, 1)},
    "billed_credits": {
        "V_CREDITS_BILLED": ("snowflake_billed_credits_total", SERVICE_LABEL, {}, 1),
        "V_CREDITS_ADJUSTED": ("snowflake_adjusted_credits_total", SERVICE_LABEL, {}, 1)},
    "query_tags": {
        "V_CREDITS": ("snowflake_query_tag_credits_total",
                      WAREHOUSE_LABEL | {"key": "L_KEY", "value": "L_VALUE"}, {}, 1)},
    "queries": PHASES | BYTES | {
        "V_QUERIES": ("snowflake_queries_total",
                      WAREHOUSE_LABEL | {"class": "L_CLASS", "status": "L_STATUS"}, {}, 1),
        "V_PARTITIONS_SCANNED": ("snowflake_query_partitions_scanned_total", WAREHOUSE_LABEL, {}, 1),
        "V_PARTITIONS_TOTAL": ("snowflake_query_partitions_total", WAREHOUSE_LABEL, {}, 1),
        "V_CREDITS_CLOUD_SERVICES": ("snowflake_query_cloud_services_credits_total", WAREHOUSE_LABEL, {}, 1)},
}
DURATION = "snowflake_query_duration_seconds"


def series(family, **labels):
    def escaped(value):
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    inner = ",".join(f'{name}="{escaped(value)}"' for name, value in ({"account": "demo"} | labels).items())
    return f"{family}{{{inner}}}"


def decimal(value):
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def added(statement, row):
    """What one row of an answer adds to each series. The buckets of a histogram are separate series."""
    found = collections.Counter()
    for column, (family, columns, fixed, unit) in ADDS[statement].items():
        labels = {name: row[label] for name, label in columns.items()} | fixed
        found[series(family, **labels)] += decimal(row[column]) * unit
    if statement == "queries":
        labels = {"warehouse": row["L_WAREHOUSE"], "class": row["L_CLASS"]}
        counts = [row[name] for name in row if name.startswith("LE_")] + [row["V_QUERIES"]]
        for bound, before, count in zip(BOUNDS, [0, *counts], counts):
            found[series(f"{DURATION}_bucket", **labels, le=bound)] += decimal(count - before)
        found[series(f"{DURATION}_sum", **labels)] += decimal(row["V_ELAPSED_MS"]) * MILLISECOND
    return found
