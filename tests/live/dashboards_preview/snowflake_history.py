"""Two made-up Snowflake accounts for history.py, one for production and one to develop in.

A warehouse is never suspended, another idles, statements wait, a quota is nearly used, a dynamic table is
late, a task is suspended, a pipe is invalid. What views say comes in steps: credits every three hours,
statements every 45 minutes, who ran them every six hours.
"""

import collections
import math

MINUTE, QUARTER, HOUR, DAY = 60, 900, 3600, 86400
Warehouse = collections.namedtuple(
    "Warehouse", "size rate clusters suspends monitor busy idle an_hour failed seconds spilled")  # fmt: skip
SIZES = {"X-Small": 1, "Small": 2, "Medium": 4, "Large": 8}
# The share of the time that it runs, that of its credits that are idle, statements an hour, the share that
# fails, the median of their seconds, GiB a day that they spill to remote storage.
WAREHOUSES = {
    "acme": {
        "TRANSFORM": Warehouse("Large", 8, 1, 60, "PLATFORM", 0.55, 0.08, 900, 0.01, 9, 130),
        "LOAD": Warehouse("Small", 2, 1, 60, "PLATFORM", 0.4, 0.2, 260, 0.02, 21, 4),
        "BI": Warehouse("Medium", 8, 3, 300, "PLATFORM", 0.6, 0.35, 2400, 0.04, 1.4, 0),
        "DASHBOARDS": Warehouse("X-Small", 1, 1, 0, "", 1, 0.93, 60, 0, 0.3, 0),
        "EXPORTER": Warehouse("X-Small", 1, 1, 60, "EXPORTER_LIMIT", 0.03, 0.9, 2, 0, 1.8, 0),
    },
    "acme_dev": {
        "ADHOC": Warehouse("Medium", 4, 1, 600, "DEVELOPMENT", 0.35, 0.62, 120, 0.29, 3, 0),
        "EXPORTER": Warehouse("X-Small", 1, 1, 60, "EXPORTER_LIMIT", 0.03, 0.9, 2, 0, 1.8, 0),
    },
}  # fmt: skip
MONITORS = {  # account: name: (frequency, quota, share used at the end, share at which it suspends)
    "acme": {"PLATFORM": ("monthly", 6000, 0.86, 1), "EXPORTER_LIMIT": ("daily", 1, 0.31, 1)},
    "acme_dev": {"DEVELOPMENT": ("monthly", 1000, 0.41, 0.9), "EXPORTER_LIMIT": ("daily", 1, 0.31, 1)},
}
SERVICES = {"PIPE": 0.06, "SERVERLESS_TASK": 0.04, "AUTO_CLUSTERING": 0.09, "SNOWPARK_CONTAINER_SERVICES": 0.12}
TABLES = {  # of acme: dataset: (seconds of its target lag, of its age at the most, whether it is suspended)
    "shop.marts.orders_live": (300, 280, 0), "shop.marts.sessions": (900, 3100, 0),
    "shop.marts.revenue": (3600, 3300, 0), "shop.marts.stock": (1800, 26 * HOUR, 1),
    "shop.marts.customers": (86400, 61000, 0),
}  # fmt: skip
# Who ran the statements of a warehouse: the tool, dbt's package and target, the DAG, and their share of what is
# not idle there. The rest is nobody's.
RUN_BY = {
    ("acme", "TRANSFORM"): (("dbt", "shop", "prod", "dbt_shop", 0.62), ("dbt", "ledger", "prod", "ledger_close", 0.28),
                            ("airflow", "", "", "orders", 0.06)),
    ("acme", "LOAD"): (("airflow", "", "", "orders", 0.55), ("airflow", "", "", "web_events", 0.33)),
    ("acme", "BI"): (("other", "", "", "", 0.64), ("none", "", "", "", 0.13)),
    ("acme", "DASHBOARDS"): (("none", "", "", "", 0.2),),
    ("acme_dev", "ADHOC"): (("dbt", "shop", "dev", "", 0.21), ("none", "", "", "", 0.72)),
}  # fmt: skip
MODELS = {  # by package, with their shares
    "shop": {"model.shop.sessions": 0.32, "model.shop.orders": 0.21, "model.shop.attribution": 0.15,
             "model.shop.customers": 0.12, "model.shop.order_payments": 0.09, "model.shop.churn_scores": 0.05,
             "snapshot.shop.customers_history": 0.03, "test.shop.unique_sessions_session_id": 0.01, "other": 0.02},
    "ledger": {"model.ledger.balances": 0.84, "model.ledger.month_end": 0.13, "model.ledger.stg_bookings": 0.03},
}  # fmt: skip
TEAMS = {"shop": "storefront", "orders": "storefront", "web_events": "growth", "ledger": "finance"}  # by package or DAG
PRICE, CONTRACT = 2.6, 184_000  # of a credit, and what is left of the contract
BOUNDS = (0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200, math.inf)
STATEMENTS = {"warehouse_credits": (3 * HOUR, 2 * HOUR), "service_credits": (3 * HOUR, 3 * HOUR),
              "queries": (45 * MINUTE, 40 * MINUTE), "attribution": (6 * HOUR, 8 * HOUR),
              "query_tags": (6 * HOUR, 8 * HOUR), "currency": (12 * HOUR, 30 * HOUR)}  # how often they read, and how late what they read is


def known(time, statement):
    """Up to when it is known at a time what happened."""
    pause, late = STATEMENTS[statement]
    return time // pause * pause - late


def work(time):
    """Hours of work from 1970 on: a busy hour of the day is more than one."""
    return time / HOUR + 3 * math.sin(2 * math.pi * time / DAY)


class Account:
    def __init__(self, history, at, name):
        self.history, self.name, self.at = history, name, dict(at, account=name)

    def add(self, metric, value, /, **labels):
        self.history.add(metric, value, **self.at, **labels)

    def count(self, metric, statement, an_hour, **labels):
        """What views say, also of the days before, as rules look back for a day."""
        start = self.history.start

        def value(time):
            return an_hour * (work(known(time, statement)) - work(start - 3 * DAY))

        self.add(metric, value, **labels)
        # On both sides of each step: a window of a day that begins there has it or has not.
        quarters = range((start - 2 * DAY) // QUARTER * QUARTER, start, QUARTER)
        before = [time for quarter in quarters for time in (quarter - MINUTE, quarter)]
        self.history.add_at(metric, value, before, **self.at, **labels)

    def write(self):
        self.add("snowflake_up", 1)
        for name, warehouse in WAREHOUSES[self.name].items():
            self.warehouse(name, warehouse)
            self.statements(name, warehouse)
        for name, monitor in MONITORS[self.name].items():
            self.monitor(name, *monitor)
        self.credits()
        self.attribution()
        if self.name == "acme":
            self.money()
        self.objects()
        for statement, (pause, late) in STATEMENTS.items():
            self.add("snowflake_read_timestamp_seconds", lambda t, p=pause: t // p * p, statement=statement)
            self.add("snowflake_data_timestamp_seconds", lambda t, p=pause, la=late: t // p * p - la,
                     statement=statement)
        if self.name == "acme":
            self.add("snowflake_statement_off", 1, statement="locks", reason="privilege")
        self.add("snowflake_own_credits_today", lambda t: 0.019 * (t % DAY // HOUR))
        self.add("snowflake_own_credits_per_day_limit", 0.5)
        for metric, amount in (("resumes", 1), ("billed_seconds", 66), ("credits", 66 / 3600)):
            self.add(f"snowflake_own_{metric}_total", lambda t, a=amount: a * (t // HOUR - 450000))

    def warehouse(self, name, warehouse):
        of = {"warehouse": name}
        period = HOUR if warehouse.busy < 1 else 1

        def runs(time):
            return (time + 700 * len(name)) % period < warehouse.busy * period

        def clusters(time):
            if not runs(time):
                return 0
            return 1 + int(warehouse.clusters * 0.5 * (1 + math.sin(time / 5000)) * 0.99)

        waits = name == "BI" and (lambda t: 7 if self.history.now - t < 2400 and runs(t) else 0)
        self.add("snowflake_warehouse_info", 1, size=warehouse.size, type="STANDARD",
                 resource_monitor=warehouse.monitor, **of)
        for state, holds in (("started", runs), ("suspended", lambda t: not runs(t))):
            self.add("snowflake_warehouse_state", lambda t, h=holds: 1 if h(t) else None, state=state, **of)
        self.add("snowflake_warehouse_running_queries",
                 lambda t: 1 + round(warehouse.an_hour * warehouse.seconds / 3600 * (1 + math.sin(t / 2000)))
                 if runs(t) else 0, **of)  # fmt: skip
        self.add("snowflake_warehouse_queued_queries", waits or 0, **of)
        self.add("snowflake_warehouse_started_clusters", clusters, **of)
        self.add("snowflake_warehouse_max_clusters", warehouse.clusters, **of)
        self.add("snowflake_warehouse_auto_suspend_seconds", warehouse.suspends or math.inf, **of)
        self.add("snowflake_warehouse_credits_per_hour", lambda t: SIZES[warehouse.size] * clusters(t), **of)
        an_hour = warehouse.rate * warehouse.busy
        self.count("snowflake_warehouse_credits_total", "warehouse_credits", an_hour, kind="compute", **of)
        self.count("snowflake_warehouse_credits_total", "warehouse_credits", 0.04 * an_hour,
                   kind="cloud_services", **of)
        self.count("snowflake_warehouse_idle_credits_total", "warehouse_credits", an_hour * warehouse.idle, **of)

    def statements(self, name, warehouse):
        of, many = {"warehouse": name}, warehouse.an_hour
        for status, share in (("success", 1 - warehouse.failed), ("fail", warehouse.failed)):
            self.count("snowflake_queries_total", "queries", many * share, status=status, **{"class": "select"},
                       **of)  # fmt: skip
        for bound in BOUNDS:
            below = 1 / (1 + (warehouse.seconds / bound) ** 1.3)
            self.count("snowflake_query_duration_seconds_bucket", "queries", many * below,
                       le="+Inf" if bound == math.inf else f"{bound:.1f}", **{"class": "select"}, **of)
        taken = many * warehouse.seconds * 1.6
        self.count("snowflake_query_duration_seconds_count", "queries", many, **{"class": "select"}, **of)
        self.count("snowflake_query_duration_seconds_sum", "queries", taken, **{"class": "select"}, **of)
        for phase, share in (("execution", 0.8), ("compilation", 0.1), ("queued_overload", 0.07),
                             ("queued_provisioning", 0.02), ("queued_repair", 0), ("blocked", 0.01)):
            self.count("snowflake_query_phase_seconds_total", "queries", taken * share, phase=phase, **of)
        self.count("snowflake_query_bytes_total", "queries", warehouse.spilled * 2**30 / 24,
                   kind="spilled_remote", **of)
        self.count("snowflake_query_partitions_scanned_total", "queries", 30 * many, **of)
        self.count("snowflake_query_partitions_total", "queries", (90 + 40 * len(name)) * many, **of)

    def monitor(self, name, frequency, quota, used, suspends):
        of, now = {"resource_monitor": name}, self.history.now
        start = now // DAY * DAY - (18 * DAY if frequency == "monthly" else 0)
        self.add("snowflake_resource_monitor_info", 1, level="warehouse", frequency=frequency, **of)
        self.add("snowflake_resource_monitor_used_credits",
                 lambda t: quota * used * max(0, t - start) / (now - start + 1), **of)
        self.add("snowflake_resource_monitor_quota_credits", quota, **of)
        self.add("snowflake_resource_monitor_suspend_ratio", suspends, **of)
        self.add("snowflake_resource_monitor_period_start_timestamp_seconds", start, **of)

    def credits(self):
        """By service; and what the rules have recorded of a day in the month before."""
        warehouses = sum(each.rate * each.busy for each in WAREHOUSES[self.name].values())
        services = {"WAREHOUSE_METERING": 1, **(SERVICES if self.name == "acme" else {})}
        for service, share in services.items():
            self.count("snowflake_service_credits_total", "service_credits", warehouses * share, service=service,
                       kind="compute")  # fmt: skip
        start, end = self.history.start, self.history.now
        week_ago = range(start - 7 * DAY, end - 7 * DAY + 1, 4 * MINUTE)
        times = sorted({*self.midnights(), *week_ago})
        a_day = 24 * warehouses * sum(services.values())
        self.past_days("account:snowflake_credits:increase1d", a_day, times)
        for name, each in WAREHOUSES[self.name].items():
            self.past_days("warehouse:snowflake_credits:increase1d", 25 * each.rate * each.busy, times,
                           warehouse=name)  # fmt: skip

    def attribution(self):
        """Of what is not idle; and what the rules have recorded in the month, and in the six hours before."""
        start = self.history.start
        for name, each in WAREHOUSES[self.name].items():
            of, an_hour = {"warehouse": name}, each.rate * each.busy
            for metric, amount in (("compute", an_hour), ("idle", an_hour * each.idle)):
                self.history.add_at(f"warehouse:snowflake_{metric}_credits:increase1d", 24 * amount,
                                    range(start - 6 * HOUR, start, 4 * MINUTE), **self.at, **of)  # fmt: skip
            teams = collections.Counter()
            for tool, package, target, dag_id, share in RUN_BY.get((self.name, name), ()):
                used = an_hour * (1 - each.idle) * share
                self.ran("snowflake_attributed_credits_total", "dag:snowflake_attributed_credits:increase1d", used,
                         dict(of, tool=tool, dag_id=dag_id), package=package, target=target)
                for unique_id, part in MODELS.get(package, {}).items():
                    self.ran("snowflake_dbt_node_credits_total", "node:snowflake_dbt_credits:increase1d", used * part,
                             dict(of, target=target, unique_id=unique_id))
                teams[TEAMS.get(package or dag_id, "")] += used
            for team, used in teams.items():
                self.ran("snowflake_query_tag_credits_total", "tag:snowflake_query_tag_credits:increase1d", used,
                         dict(of, key="team", value=team))

    def ran(self, metric, record, an_hour, labels, **more):
        self.count(metric, "attribution", an_hour, **labels, **more)
        self.past_days(record, 24 * an_hour, self.midnights(), **labels)

    def money(self):
        """What both accounts are charged, as the organization says it."""
        for member, rating, a_day in (("PROD", "compute", 330 * PRICE), ("PROD", "storage", 38),
                                      ("PROD", "data transfer", 6), ("DEV", "compute", 34 * PRICE)):
            to = {"member": member, "rating": rating, "currency": "EUR"}
            for metric, part in (("charged", 1), ("credited", 0.02)):
                self.count(f"snowflake_{metric}_currency_total", "currency", part * a_day / 24, service=rating, **to)
            self.past_days("rating:snowflake_charged_currency:increase1d", a_day, self.midnights(), **to)
        for kind, left in (("capacity", CONTRACT), ("free", 0), ("rollover", 3200), ("on_demand", -412.5)):
            self.add("snowflake_balance_currency", left, contract="C-2026-118", currency="EUR", kind=kind)

    def midnights(self):
        return range(self.history.start // DAY * DAY - 30 * DAY, self.history.start - 2 * DAY, DAY)

    def past_days(self, record, a_day, times, **labels):
        def value(time):
            return a_day * (0.72 if time // DAY % 7 in (2, 3) else 0.94)  # the weekend is quiet

        self.history.add_at(record, value, times, **self.at, **labels)

    def objects(self):
        """What SHOW lists besides. In the account to develop in there is little."""
        is_large, now = self.name == "acme", self.history.now
        for family, number in (("warehouses", len(WAREHOUSES[self.name])), ("databases", 14 if is_large else 6),
                               ("dynamic_tables", len(TABLES) if is_large else 0),
                               ("pipes", 9 if is_large else 0), ("resource_monitors", 2)):
            self.add(f"snowflake_{family}", number)
        for state, number in (("started", 31), ("suspended", 4), ("suspended_by_errors", 1)):
            self.add("snowflake_tasks", number if is_large else 0, state=state)
        for kind, size in (("table", 41e12), ("stage", 2.2e12), ("failsafe", 6e12)):
            self.add("snowflake_storage_bytes", size * (1 if is_large else 0.08), kind=kind)
        for database, size in (("SHOP", 24e12), ("RAW", 13e12), ("LEDGER", 4e12)):
            self.add("snowflake_database_storage_bytes", size * (1 if is_large else 0.08), database=database,
                     kind="table")
        self.logins(is_large)
        if not is_large:
            return
        for dataset, (target, age, is_suspended) in TABLES.items():
            self.add("snowflake_dynamic_table_target_lag_seconds", target, dataset=dataset)
            self.add("snowflake_dynamic_table_suspended", is_suspended, dataset=dataset)
            self.add("snowflake_dynamic_table_info", 1, dataset=dataset, warehouse="TRANSFORM",
                     refresh_mode="full" if "stock" in dataset else "incremental")
            self.add("snowflake_dynamic_table_data_timestamp_seconds",
                     lambda t, a=age, s=is_suspended: now - a if s else t // (a / 2) * (a / 2) - a / 2,
                     dataset=dataset)  # fmt: skip
        self.add("snowflake_task_suspended_by_errors_timestamp_seconds",
                 lambda t: now - 9100 if t > now - 9000 else None, database="SHOP", schema="RAW",
                 task="LOAD_RETURNS")
        self.count("snowflake_task_runs_total", "queries", 0.8, database="SHOP", schema="RAW", task="LOAD_RETURNS",
                   state="failed")  # fmt: skip
        self.count("snowflake_copied_files_total", "queries", 0.4, database="SHOP", schema="RAW",
                   dataset="shop.raw.returns", status="load_failed")  # fmt: skip
        self.add("snowflake_pipe_invalid", lambda t: 1 if t > now - 5000 else None, database="SHOP",
                 schema="RAW", pipe="CLICKS")
        for group, every, due in (("SHOP_FG", 600, 240), ("LEDGER_RG", HOUR, -9400)):
            of = {"member": "ACME_DR", "group": group}
            self.add("snowflake_replication_group_info", 1, type="failover" if "FG" in group else "replication",
                     primary=f"ACME.PROD.{group}", **of)
            self.add("snowflake_replication_group_schedule_seconds", every, **of)
            self.add("snowflake_replication_group_suspended", 0, **of)
            self.add("snowflake_replication_group_next_refresh_timestamp_seconds",
                     lambda t, e=every, d=due: t // e * e + d if d > 0 else now + d, **of)

    def logins(self, is_large):
        for success, factor, second, client, an_hour in (
            ("yes", "rsa_keypair", "no", "python_driver", 900), ("yes", "password", "yes", "snowflake_ui", 40),
            ("yes", "password", "no", "jdbc_driver", 0 if is_large else 3), ("no", "password", "no", "", 22),
        ):  # fmt: skip
            self.count("snowflake_logins_total", "queries", an_hour, success=success, factor=factor,
                       second_factor=second, client=client)  # fmt: skip
        for kind, active, endless, days in (("keypair", 14, 14, None), ("pat", 6, 0, 9 if is_large else 70)):
            of = {"kind": kind, "status": "active"}
            self.add("snowflake_credentials", active, **of)
            self.add("snowflake_credentials_without_expiry", endless, **of)
            if days:
                self.add("snowflake_credential_next_expiry_timestamp_seconds", self.history.now + days * DAY, **of)


def write(history, at):
    for name in WAREHOUSES:
        Account(history, at, name).write()
