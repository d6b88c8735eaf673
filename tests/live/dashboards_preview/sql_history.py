"""Databases as sql_exporter sees them, made up for history.py: two shops with their numbers, the tables that are
watched in the first one and in its warehouse, and two replicas.

Payments are late, customers lack e-mail addresses, sessions are too few, returns are empty, columns changed, a
check cannot be measured, two databases differ, a replica has stopped. Of the first shop one currency sells
little, one funnel loses users, a mail is not opened, a campaign is silent; the data of the second one are late.
"""

import collections
import math
import random

MINUTE, HOUR, DAY = 60, 3600, 86400
WEEK = 7 * DAY
Table = collections.namedtuple("Table", "source owner severity rows max_age an_hour columns also", defaults=("",))
SHOP, PAYMENTS, GROWTH, DATA = "shop@example.com", "payments@example.com", "growth@example.com", "data@example.com"
TABLES = {
    "shop.public.orders": Table("shop", SHOP, "critical", 31_200, HOUR, 1300, 24),
    "shop.public.payments": Table("shop", PAYMENTS, "critical", 33_900, 30 * MINUTE, 1410, 18, "late"),
    "shop.public.customers": Table("shop", SHOP, "warning", 4_100, 6 * HOUR, 170, 31, "nulls"),
    "shop.public.sessions": Table("shop", GROWTH, "warning", 402_000, HOUR, 16_800, 12, "few"),
    "warehouse.raw.orders": Table("warehouse", DATA, "warning", 31_100, 6 * HOUR, 1300, 24),
    "warehouse.raw.events": Table("warehouse", DATA, "warning", 1_900_000, 6 * HOUR, 79_000, 17, "columns"),
    "warehouse.raw.returns": Table("warehouse", DATA, "warning", 0, DAY, 0, 9, "empty"),
    "warehouse.marts.revenue": Table("warehouse", "finance@example.com", "critical", 24, 2 * HOUR, 1, 8, "unmeasured"),
}  # fmt: skip
CHECKS = {"not_null": ("email", 0.02), "accepted": ("status", 0), "range": ("amount", 0), "late": ("loaded_at", 0.01),
          "key": ("id", 0), "future": ("created_at", 0)}  # check: (column, ratio that may fail)
REPLICAS = {"shop_ro": ("shop", "public.orders", 2 * HOUR, "replicating"),
            "billing_ro": ("billing", "invoices", HOUR, "stopped")}  # fmt: skip
WEEKDAYS = (1.0, 1.1, 1.3, 0.8, 0.9, 0.95, 1.0)  # how a day is to the usual one
# Of the first shop, by currency: revenue of a usual day, of an order, how yesterday was to it.
SALES = {"EUR": (84_000, 56, 1.04), "USD": (31_000, 61, 0.62)}
FUNNELS = {("checkout", "web", ""): (5200, 0.41, 1.02), ("checkout", "app", ""): (3900, 0.52, 0.89),
           ("registration", "web", "spring_sale"): (640, 0.22, 1.1)}  # fmt: skip
# Delivered, and the shares that bounced, humans and programs opened, and that were clicked.
MAILS = {"newsletter": (42_000, 0.011, 0.24, 0.31, 0.031), "spring_sale": (18_500, 0.016, 0.19, 0.28, 0.044),
         "win_back": (6_200, 0.048, 0.071, 0.2, 0.006)}  # fmt: skip
CAMPAIGNS = {"spring_sale": (2900, 2700, 4 * MINUTE), "newsletter": (1850, 1900, 7 * MINUTE),
             "partners": (410, 380, 21 * MINUTE), "podcast": (0, 96, 31 * HOUR)}  # users, usual, silent for
RETENTION = {"1": (610, 0.38), "7": (570, 0.21), "30": (640, 0.12)}
VIEWS = ("bm_events", "bm_orders", "bm_refunds", "bm_users", "bm_email_sends", "bm_email_events", "bm_subscriptions")


def chance(*seed, spread=0.06):
    """About 1, the same for the same seed."""
    return max(0.1, random.Random(str(seed)).gauss(1, spread))


class Sql:
    def __init__(self, history, at):
        self.history, self.at = history, at

    def add(self, metric, value, /, **labels):
        self.history.add(metric, value, **self.at, **labels)

    def add_with_past(self, metric, value, /, **labels):
        """The same hours of the week before, too."""
        self.add(metric, value, **labels)
        week_ago = range(self.history.start - WEEK, self.history.now - WEEK + HOUR, 4 * MINUTE)
        self.history.add_at(metric, value, week_ago, **self.at, **labels)

    def ago(self, seconds):
        return self.history.now - seconds

    # -- tables

    def table(self, dataset, table):
        of = {"source": table.source, "dataset": dataset}
        whose = {"owner": table.owner, "severity": table.severity}
        is_empty = table.also == "empty"
        self.add("sql_quality_table_info", 1, **of, **whose)
        self.add("sql_quality_table_empty", int(is_empty), **of)
        self.add("sql_quality_rows", lambda t: round(table.rows * chance(dataset, t // 600, spread=0.01)), window="24h", **of)
        self.add("sql_quality_max_age_seconds", table.max_age, of="event", **of, **whose)
        if not is_empty:
            stop = self.ago(100 * MINUTE) if table.also == "late" else self.history.now
            every = table.max_age / 4
            self.add("sql_quality_newest_timestamp_seconds", lambda t: min(t // every * every, stop) - 40, of="event", **of)
        self.volume(dataset, table, of, whose)
        self.columns(table, of, whose)
        for check in CHECKS:
            self.check(dataset, table, check, of, whose)
        for kind, seconds in (("scan", table.rows / 400_000 + 0.02), ("schema", 0.002)):
            self.history.count("sql_quality_statement_seconds_total", seconds / 600, check=kind, **of, **self.at)
            self.history.count("sql_quality_statements_total", 1 / 600, check=kind, **of, **self.at)
            self.history.count("sql_quality_skipped_total", 0, check=kind, **of, **self.at)

    def volume(self, dataset, table, of, whose):
        """Of each full hour; sessions became few two hours ago."""
        if not table.an_hour:
            return

        def rows(time):
            is_few = table.also == "few" and time // HOUR * HOUR > self.ago(2 * HOUR)
            return round(table.an_hour * chance(dataset, time // HOUR, spread=0.09) * (0.28 if is_few else 1))

        self.add("sql_quality_period_rows", rows, **of)
        self.add("sql_quality_period_rows_baseline", table.an_hour, **of)
        self.add("sql_quality_volume_rows_min", 50, **of)
        for bound, ratio in (("min", 0.5), ("max", 3)):
            self.add("sql_quality_volume_ratio_limit", ratio, bound=bound, **of, **whose)

    def columns(self, table, of, whose):
        changed = self.ago(5 * HOUR) if table.also == "columns" else None
        self.add("sql_quality_columns", lambda t: table.columns - int(bool(changed) and t < changed), **of)
        if changed:
            self.add("sql_quality_schema_changed_timestamp_seconds", lambda t: changed if t >= changed else None, **of, **whose)
        if table.severity == "critical":
            self.add("sql_quality_columns_missing", 0, **of, **whose)

    def check(self, dataset, table, check, of, whose):
        column, limit = CHECKS[check]
        to = {**of, "check": check, "column": column}
        is_gone = table.also == "unmeasured" and check == "range"
        measured = self.ago(170 * MINUTE) if is_gone else self.history.now
        share = 0.6 * limit
        if table.also == "nulls" and check == "not_null":
            share = 0.043

        def failing(time):
            before = time < self.ago(3 * HOUR) and share > limit
            return round(table.rows * (limit / 2 if before else share) * chance(dataset, check, time // 600, spread=0.04))

        self.add("sql_quality_failing_ratio_limit", limit, **to, **whose)
        self.add("sql_quality_failing_rows", lambda t: failing(t) if t < measured + 30 * MINUTE else None, **to)
        self.add("sql_quality_check_success", lambda t: int(t <= measured), **to)
        self.add("sql_quality_interval_seconds", 600, **to)
        self.add("sql_quality_last_success_timestamp_seconds", lambda t: min(t // 600 * 600, measured), **to)

    def reconciliations(self):
        of = {"source": "shop", "dataset": "shop.public.orders", "reconciliation": "orders"}
        whose = {"owner": DATA, "severity": "critical"}
        for measure, limit, difference, days in (("rows", 0, 0, 0), ("sum(amount)", 0.005, 184.5, 1)):
            to = {**of, "measure": measure}
            self.add("sql_quality_reconciliation_difference", difference, **to)
            self.add("sql_quality_reconciliation_days_different", days, **to)
            self.add("sql_quality_reconciliation_difference_limit", limit, **to, **whose)
        self.add("sql_quality_reconciliation_success", 1, **of)
        self.add("sql_quality_reconciliation_interval_seconds", DAY, **of)
        self.add("sql_quality_reconciliation_last_success_timestamp_seconds", self.ago(5.4 * HOUR), **of)

    def replica(self, name, primary, table, max_lag, state):
        of = {"source": primary, "replica": name, "table": table}
        stop = self.ago(95 * MINUTE) if state == "stopped" else None

        def is_stopped(time):
            return stop is not None and time > stop

        self.add("sql_replication_lag_seconds",
                 lambda t: t - stop if is_stopped(t) else round(3 * chance(name, t, spread=0.5), 1), **of)
        self.add("sql_replication_max_lag_seconds", max_lag, owner=DATA, severity="critical", **of)
        self.add("sql_replication_check_success", 1, **of)
        self.add("sql_replication_last_success_timestamp_seconds", lambda t: t // 30 * 30, **of)
        for each in ("replicating", "cut_off", "stopped", "not_a_replica"):
            self.add("sql_replication_state", lambda t, s=each: int(s == ("stopped" if is_stopped(t) else "replicating")),
                     source=primary, replica=name, channel="", state=each)
        if primary == "billing":  # MariaDB
            self.add("sql_replication_status_lag_seconds", lambda t: None if is_stopped(t) else 1, source=primary,
                     replica=name, channel="")
        else:
            self.add("sql_replication_slot_active", 1, source=primary, slot=name)
            self.add("sql_replication_slot_retained_bytes", lambda t: 3e7 * chance(name, t // 600, spread=0.4),
                     source=primary, slot=name)

    # -- numbers

    def shop(self):
        of = {"source": "shop", "dataset": "shop"}
        self.views(of, 6 * HOUR, 7 * MINUTE)
        for currency, (a_day, an_order, yesterday) in SALES.items():
            self.sales(of, currency, a_day, an_order, yesterday)
        for (funnel, channel, campaign), (started, ratio, to_usual) in FUNNELS.items():
            to = {**of, "funnel": funnel, "channel": channel, "campaign": campaign}
            for window, days in (("1d", 1), ("7d", 7)):
                part = to_usual if days == 1 else 1
                self.add_with_past("business_funnel_started_users", self.daily(started * days, funnel), window=window, **to)
                self.add_with_past("business_funnel_converted_users", self.daily(started * days * ratio, funnel, part),
                                   window=window, **to)
            self.add("business_funnel_started_users_baseline", self.usual(started), **to)
            self.add("business_funnel_conversion_ratio_baseline", ratio, **to)
        for campaign, (delivered, *shares) in MAILS.items():
            self.mails({**of, "campaign": campaign}, delivered, *shares)
        for campaign, (users, usual, silent) in CAMPAIGNS.items():
            to = {**of, "campaign": campaign}
            self.add_with_past("business_campaign_users", self.daily(users, campaign), **to)
            self.add("business_campaign_users_baseline", self.usual(usual), **to)
            self.add("business_campaign_last_event_timestamp_seconds",
                     lambda t, s=silent: self.ago(s) if s > DAY else t - s, **to)
        self.users(of, 14_200, 0.97)
        self.add_with_past("business_monthly_recurring_revenue", self.daily(18_400, "mrr", spread=0.004), currency="EUR", **of)
        for metric, number in (("active", 920), ("started", 9), ("ended", 6), ("started_monthly_revenue", 171),
                               ("ended_monthly_revenue", 118)):  # fmt: skip
            self.add(f"business_subscriptions_{metric}", self.daily(number, metric), currency="EUR", **of)

    def outlet(self):
        """A small one, whose data have not come in since the evening."""
        of = {"source": "outlet", "dataset": "outlet"}
        self.views(of, 6 * HOUR, 9.6 * HOUR)
        self.sales(of, "GBP", 5200, 38, 0.55)
        self.users(of, 1900, 0.7)

    def views(self, of, max_age, age):
        self.add("business_data_max_age_seconds", max_age, **of)
        for view in VIEWS if age < HOUR else VIEWS[:2]:
            self.add("business_view_present", 1, view=view, **of)
            self.add("business_view_missing_columns", 0, view=view, **of)
            self.add("business_data_loaded_timestamp_seconds", lambda t: self.ago(age) if age > HOUR else t // 300 * 300, view=view, **of)
            self.add("business_data_newest_timestamp_seconds", lambda t, v=view: min(t, self.ago(age)) - 60 * chance(v), view=view, **of)

    @staticmethod
    def usual(amount):
        return lambda time: amount * WEEKDAYS[time // DAY % 7]

    def daily(self, amount, seed, yesterday=1, spread=0.03):
        """Of the day before each time: yesterday's is said, those of other days are about the usual."""
        def value(time):
            part = yesterday if self.history.now // DAY == time // DAY else chance(seed, time // DAY, spread=spread)
            return round(amount * WEEKDAYS[time // DAY % 7] * part)

        return value

    def sales(self, of, currency, a_day, an_order, yesterday):
        def hour(time, part=1.0):
            return a_day / 24 * part * (1 + 0.7 * math.sin((time // HOUR % 24 - 10) / 24 * 2 * math.pi))

        def last_hour(time):
            return round(hour(time, chance(currency, time // HOUR, spread=0.1)), 2)

        to = {**of, "currency": currency}
        for metric, unit in (("revenue", 1), ("orders", an_order)):
            self.add_with_past(f"business_period_{metric}", lambda t, u=unit: round(last_hour(t) / u), period="hour", **to)
            self.add(f"business_period_{metric}_baseline", lambda t, u=unit: round(hour(t) / u), period="hour", **to)
            self.add_with_past(f"business_period_{metric}", self.daily(a_day / unit, currency, yesterday), period="day", **to)
            self.add(f"business_period_{metric}_baseline", self.usual(a_day / unit), period="day", **to)
        for campaign, part in (("", 0.6), ("spring_sale", 0.28), ("newsletter", 0.12)):
            for metric, unit in (("business_orders_total", an_order), ("business_order_amount_total", 1)):
                self.history.count(metric, lambda t, u=unit, p=part: p * last_hour(t) / HOUR / u, campaign=campaign, **to, **self.at)
        for metric, unit in (("business_refunds_total", an_order), ("business_refund_amount_total", 1)):
            self.history.count(metric, lambda t, u=unit: 0.031 * last_hour(t) / HOUR / u, **to, **self.at)

    def mails(self, to, delivered, bounced, opened, by_programs, clicked):
        self.add("business_email_sent_messages", round(delivered / (1 - bounced)), **to)
        self.add_with_past("business_email_delivered_messages", delivered, **to)
        self.add("business_email_bounced_messages", round(delivered * bounced), **to)
        for by, share in (("human", opened), ("machine", by_programs)):
            self.add_with_past("business_email_opened_messages", round(delivered * share), by=by, **to)
        for metric, share in (("clicked", clicked), ("complained", 0.0004), ("unsubscribed", 0.0021)):
            self.add(f"business_email_{metric}_messages", round(delivered * share), **to)

    def users(self, of, a_day, yesterday):
        for window, part in (("1d", 1), ("7d", 3.1), ("28d", 6.4)):
            value = self.daily(a_day * part, f"{of['dataset']}{window}", yesterday if part == 1 else 1)
            self.add_with_past("business_active_users", value, window=window, **of)
        self.add("business_active_users_baseline", self.usual(a_day), **of)
        self.add("business_day_start_timestamp_seconds", lambda t: t // DAY * DAY - DAY, **of)
        for day, (cohort, share) in RETENTION.items():
            size = self.daily(cohort * a_day / 14_200, f"cohort{day}")
            self.add("business_retention_cohort_users", size, day=day, **of)
            self.add("business_retention_retained_users",
                     lambda t, s=size, p=share, d=day: round(s(t) * p * chance(d, t // DAY)), day=day, **of)


def write(history, at):
    sql = Sql(history, at)
    for source in ("shop", "warehouse", "billing", "outlet"):
        sql.add("sql_up", 1, source=source)
        sql.add("sql_quality_clock_difference_seconds", 0.8 if source == "warehouse" else 0, source=source)
    for dataset, table in TABLES.items():
        sql.table(dataset, table)
    sql.reconciliations()
    for name, each in REPLICAS.items():
        sql.replica(name, *each)
    sql.shop()
    sql.outlet()
