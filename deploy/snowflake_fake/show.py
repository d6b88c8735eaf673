"""SHOW commands: the current objects that the role may see."""

import re

from snowflake_fake.protocol import Refusal, Table, show_column, syntax_error
from snowflake_fake.usage import LAYOUTS

MOST_ROWS = 10_000
CUT = ("WAREHOUSES", "RESOURCE MONITORS", "PIPES")  # silently; for the others it is an error without LIMIT
PLACED = ("PIPES", "DYNAMIC TABLES", "TASKS")  # restricted by a default database, without IN ACCOUNT
COMMAND = re.compile(
    r"SHOW\s+(?P<kind>WAREHOUSES|RESOURCE\s+MONITORS|PIPES|DYNAMIC\s+TABLES|TASKS|REPLICATION\s+GROUPS|"
    r"DATABASES)(?:\s+LIKE\s+'(?P<like>[^']*)')?"
    r"(?:\s+IN\s+(?:(?P<account>ACCOUNT)|DATABASE\s+(?P<database>\w+|\"(?:[^\"]|\"\")+\")))?"
    r"(?:\s+LIMIT\s+(?P<limit>\d+)(?:\s+FROM\s+'(?P<after>[^']*)')?)?\s*;?\s*", re.IGNORECASE)
NOT_RECORDED = {"is_interactive"}  # documented, but not in the recorded answers of a live account


class Command:
    """A parsed SHOW command. Raises Refusal."""

    def __init__(self, text):
        found = COMMAND.fullmatch(text)
        if not found:
            raise syntax_error(text)
        self.kind = " ".join(found["kind"].upper().split())
        self.is_account, self.after = bool(found["account"]), found["after"]
        self.limit = None if found["limit"] is None else int(found["limit"])
        self.database = unquoted(found["database"]) if found["database"] else None
        self.like = None if found["like"] is None else re.compile(
            re.escape(found["like"]).replace("%", ".*").replace("_", "."), re.IGNORECASE | re.DOTALL)


def unquoted(name):
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.upper()


def show(account, role, text, session_warehouse=None, database=None):
    """The result of a SHOW command. Raises Refusal."""
    command = Command(text)
    place = command.database or (None if command.is_account else database)
    rows = [row for row in ROWS[command.kind](account, role)
            if role.sees(command.kind, row["name"])
            and (command.like is None or command.like.fullmatch(row["name"]))
            and (place is None or command.kind not in PLACED or row["database_name"] == place)]
    rows.sort(key=lambda row: row["name"])
    if command.after is not None:
        rows = [row for row in rows if row["name"] > command.after]
    if command.limit is not None:
        rows = rows[:command.limit]
    elif len(rows) > MOST_ROWS and command.kind not in CUT:
        raise Refusal(422, "090153", f"The result set size exceeded the max number of rows({MOST_ROWS}) "
                                     "supported for SHOW statements. Use LIMIT option to limit result set "
                                     "to a smaller number.", "22000")
    names = [name for name in LAYOUTS[f"SHOW {command.kind}"].columns if name not in NOT_RECORDED]
    columns = [show_column(name, LAYOUTS[f"SHOW {command.kind}"].columns[name]) for name in names]
    if command.kind == "WAREHOUSES":
        for row in rows:
            row["is_default"] = row["is_current"] = flag(row["name"] == session_warehouse)
    return Table(columns, [[row.get(name) for name in names] for row in rows[:MOST_ROWS]])


def flag(value):
    return "Y" if value else "N"


def yes(value):
    return "true" if value else "false"


def credits_text(value):
    """Credits in a text column, with two decimals."""
    return f"{float(value):.2f}"


def warehouses(account, _):
    """Booleans are texts; shares of a suspended warehouse are empty, and a missing monitor is "null"."""
    for each in account.warehouses.values():
        is_started = each.is_started()
        share = {"available": "100", "provisioning": "0", "quiescing": "0", "other": "0"}
        running = sum(query.start <= account.now < query.end for query in each.active)
        queued = sum(account.now < query.start for query in each.active)
        row = {"name": each.name, "state": each.state(account.now), "type": each.kind,
               "size": each.size, "min_cluster_count": each.clusters, "max_cluster_count": each.clusters,
               "started_clusters": each.clusters if is_started else 0, "running": running, "queued": queued,
               "auto_suspend": each.auto_suspend,
               "auto_resume": yes(each.auto_resume), "created_on": each.created, "resumed_on": each.resumed,
               "updated_on": each.updated, "owner": each.owner, "comment": each.comment,
               "enable_query_acceleration": "false", "query_acceleration_max_scale_factor": 8,
               "resource_monitor": each.monitor.name if each.monitor else "null", "actives": int(is_started),
               "pendings": 0, "failed": 0, "suspended": int(not is_started), "uuid": str(each.number),
               "scaling_policy": "STANDARD", "owner_role_type": "ROLE", "generation": "1",
               "resource_constraint": "STANDARD_GEN_1"}
        row |= share if is_started else dict.fromkeys(share, "")
        if each.is_adaptive:
            row |= dict.fromkeys(("min_cluster_count", "max_cluster_count", "started_clusters",
                                  "auto_suspend", "resource_constraint", "generation", *share))
            row |= {"query_throughput_multiplier": 1, "max_query_performance_level": "X-Large"}
        yield row


def resource_monitors(account, _):
    for each in account.monitors.values():
        used, quota = each.used(account.now), each.quota
        yield {"name": each.name, "credit_quota": credits_text(quota), "used_credits": credits_text(used),
               "remaining_credits": credits_text(max(0, quota - used)), "level": each.level,
               "frequency": each.frequency, "start_time": each.since(account.now), "end_time": None,
               "notify_at": ",".join(map(percent, each.notify)) or None,
               "suspend_at": percent(each.suspend),
               "suspend_immediately_at": percent(each.suspend_immediately),
               "created_on": each.created, "owner": "ACCOUNTADMIN", "comment": each.comment}


def percent(share):
    return None if share is None else f"{share}%"


def pipes(account, _):
    for each in account.pipes:
        yield {"created_on": each.created, "name": each.name, "database_name": each.database,
               "schema_name": each.schema, "definition": f"copy into {each.table} from @landing",
               "kind": "STAGE", "owner": "LOADER", "notification_channel": None, "comment": "",
               "owner_role_type": "ROLE",
               "invalid_reason": each.invalid_reason}


def dynamic_tables(account, role):
    """Columns that need MONITOR are NULL for a role without it."""
    for each in account.dynamic_tables:
        row = {"created_on": each.created, "name": each.name, "database_name": each.database,
               "schema_name": each.schema, "cluster_by": "", "rows": 1000, "bytes": 1 << 20,
               "owner": "TRANSFORMER", "target_lag": each.target_lag, "scheduler": "ENABLE",
               "refresh_mode": "INCREMENTAL", "warehouse": each.warehouse, "comment": "",
               "text": "create dynamic table ...", "automatic_clustering": "OFF",
               "scheduling_state": each.state, "last_suspended_on": each.suspended, "is_clone": "false",
               "is_replica": "false", "is_iceberg": "false", "data_timestamp": each.data_timestamp,
               "owner_role_type": "ROLE"}
        if not each.is_monitored and not role.is_admin:
            row |= dict.fromkeys(("rows", "bytes", "text", "refresh_mode_reason", "data_timestamp",
                                  "last_suspended_on"))
        yield row


def tasks(account, _):
    for each in account.tasks:
        place = f"{each.database}.{each.schema}"
        before = [f"{place}.{each.parent}"] if each.parent else []
        yield {"created_on": each.created, "name": each.name,
               "id": f"01c4d8d0-0000-0000-0000-{each.number:012d}", "database_name": each.database,
               "schema_name": each.schema, "owner": "TRANSFORMER",
               "comment": "", "warehouse": each.warehouse, "predecessors": before, "state": each.state,
               "schedule": f"{each.every / 60:.0f} MINUTE" if each.every else None,
               "definition": "call load()", "allow_overlapping_execution": "false",
               "last_committed_on": each.created, "last_suspended_on": each.suspended,
               "owner_role_type": "ROLE", "task_relations": "{}", "overlap_policy": "NO_OVERLAP",
               "last_suspended_reason": each.suspended_reason, "created_by_user": "ADMIN"}


def replication_groups(account, _):
    for each in account.groups:
        due = None
        if each.overdue:
            due = account.now - each.overdue
        elif each.schedule and each.state == "STARTED":
            due = (account.now // each.every + 1) * each.every
        primary = "DEMO.ACCOUNT" if each.is_primary else "DEMO.PRIMARY"
        yield {"region_group": None, "snowflake_region": "AWS_EU_CENTRAL_1", "created_on": each.created,
               "account_name": "ACCOUNT", "name": each.name, "type": "REPLICATION", "comment": "",
               "is_primary": yes(each.is_primary), "primary": f"{primary}.{each.name}",
               "object_types": "DATABASES", "allowed_accounts": "DEMO.ACCOUNT", "organization_name": "DEMO",
               "account_locator": "FK12345", "replication_schedule": each.schedule,
               "secondary_state": each.state, "next_scheduled_refresh": due, "owner": "ACCOUNTADMIN",
               "is_listing_auto_fulfillment_group": "false"}


def databases(account, _):
    for each in account.databases:
        yield {"created_on": each.created, "name": each.name, "is_default": "N", "is_current": "N",
               "origin": each.origin, "owner": "" if each.origin else "ACCOUNTADMIN", "comment": "",
               "options": each.options, "retention_time": "1", "kind": each.kind,
               "owner_role_type": None if each.origin else "ROLE"}


ROWS = {"WAREHOUSES": warehouses, "RESOURCE MONITORS": resource_monitors, "PIPES": pipes,
        "DYNAMIC TABLES": dynamic_tables, "TASKS": tasks, "REPLICATION GROUPS": replication_groups,
        "DATABASES": databases}
