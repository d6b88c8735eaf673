"""The shop of the demo: it is active, and the faults in its documentation are the only ones."""

import contextlib
import datetime
import re
import sqlite3
import sys
import unittest
from unittest import mock

import support

sys.path.insert(0, str(support.SOURCE / "deploy"))
from shop_demo import shop  # noqa: E402

SAMPLE = re.compile(r'^(\w+)\{(.*)\} (\S+)$', re.M)
LABEL = re.compile(r'(\w+)="([^"]*)"')
DAY = datetime.timedelta(days=1)


class Page:
    def __init__(self, text):
        self.samples = {}
        for name, labels, value in SAMPLE.findall(text):
            self.samples.setdefault(name, []).append((dict(LABEL.findall(labels)), float(value)))

    def values(self, name, *labels, **wanted):
        """The values by these labels, of the samples that have the wanted labels."""
        return {tuple(found.get(label) for label in labels): value for found, value in self.samples[name]
                if wanted.items() <= found.items()}


class Demo(unittest.TestCase):
    """The process of the shop, and a page of sql_exporter for it."""

    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(support.folder())
        cls.directory, cls.config = folder / "shop", folder / "sql_exporter.yml"
        cls.config.write_text(shop.configuration(cls.directory))
        command = [sys.executable, "-B", support.SOURCE / "deploy/shop_demo", cls.directory]
        cls.process = cls.enterClassContext(support.Process(command))
        support.poll(lambda: cls.directory.exists() or cls.process.child.poll() is not None, "the shop is there")
        assert cls.directory.exists(), cls.process.log()
        result = support.run("--once", f"--config.file={cls.config}", name="sql_exporter")
        assert result.returncode == 0, result.stderr
        cls.page = Page(result.stdout)

    def test_its_configuration_is_valid_and_its_queries_run(self):
        for flag in ("--config.check", "--config.check-sources"):
            result = support.run(flag, f"--config.file={self.config}", name="sql_exporter")
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_all_views_of_the_contract_are_there_and_each_collector_succeeds(self):
        self.assertEqual(set(self.page.values("business_view_present", "view").values()), {1})
        self.assertEqual(len(self.page.values("business_view_present", "view")), 8)
        self.assertEqual(set(self.page.values("exporter_collector_success", "collector", "source").values()), {1})

    def test_what_is_usual_is_known(self):
        currencies = {("CHF",), ("EUR",)}
        for period in ("hour", "day"):
            usual = self.page.values("business_period_revenue_baseline", "currency", period=period)
            self.assertEqual(set(usual), currencies)
        users = self.page.values("business_active_users", window="1d")[()]
        self.assertAlmostEqual(users / self.page.values("business_active_users_baseline")[()], 1, delta=0.15)
        for currency in currencies:
            day = self.page.values("business_period_revenue", "currency", period="day")[currency]
            usual = self.page.values("business_period_revenue_baseline", "currency", period="day")[currency]
            self.assertAlmostEqual(day / usual, 1, delta=0.3)

    def test_fewer_users_come_back_later(self):
        cohorts = self.page.values("business_retention_cohort_users", "day")
        retained = self.page.values("business_retention_retained_users", "day")
        self.assertGreater(retained["1",] / cohorts["1",], 0.25)
        self.assertGreater(retained["1",] / cohorts["1",], 1.3 * retained["30",] / cohorts["30",])
        self.assertGreater(retained["30",], 0)

    def test_what_is_wrong_with_the_business(self):
        labels = ("funnel", "channel")
        started = self.page.values("business_funnel_started_users", *labels, window="1d")
        converted = self.page.values("business_funnel_converted_users", *labels, window="1d")
        usual = self.page.values("business_funnel_conversion_ratio_baseline", *labels)
        low = {key for key, users in started.items() if converted[key] / users < 0.95 * usual[key]}
        self.assertEqual(low, {("application", "app")})
        self.assertGreater(started["application", "app"], 200)

        delivered = self.page.values("business_email_delivered_messages", "campaign")
        opened = self.page.values("business_email_opened_messages", "campaign", by="human")
        low = {key for key, mails in delivered.items() if opened[key] < 0.1 * mails}
        self.assertEqual(low, {("win_back",)})
        self.assertGreater(delivered["win_back",], 500)

        newest = self.page.values("business_campaign_last_event_timestamp_seconds", "campaign")
        silent = {key for key, time in newest.items() if time < shop.now().timestamp() - DAY.total_seconds()}
        self.assertEqual(silent, {("retargeting",)})
        self.assertGreater(self.page.values("business_campaign_users_baseline", "campaign")["retargeting",], 20)

    def test_what_is_wrong_with_the_tables(self):
        checks = self.page.values("sql_quality_failing_rows", "dataset", "check", "column")
        self.assertEqual({check for check, rows in checks.items() if rows},
                         {("warehouse.orders", "not_null", "country"), ("warehouse.orders", "key", "order_id")})

        ages, now = self.page.values("sql_quality_max_age_seconds", "dataset", "of"), shop.now().timestamp()
        newest = self.page.values("sql_quality_newest_timestamp_seconds", "dataset", "of")
        late = {key for key, age in ages.items() if now - newest[key] > age}
        self.assertEqual(late, {("warehouse.exchange_rates", "loaded")})

        usual = self.page.values("sql_quality_period_rows_baseline", "dataset")
        rows = self.page.values("sql_quality_period_rows", "dataset")
        fewest = self.page.values("sql_quality_volume_ratio_limit", "dataset", bound="min")
        judged = self.page.values("sql_quality_volume_rows_min", "dataset")
        few = {key for key in rows if usual[key] >= judged[key] and rows[key] < fewest[key] * usual[key]}
        self.assertEqual(few, {("warehouse.orders",)})
        self.assertEqual(set(self.page.values("sql_quality_reconciliation_days_different").values()), {2})

    def test_it_lives(self):
        newest = "SELECT (SELECT MAX(id) FROM actions) + (SELECT MAX(id) FROM mail_reports)"
        with contextlib.closing(sqlite3.connect(self.directory / "shop.db")) as database:
            before = database.execute(newest).fetchone()
            support.poll(lambda: database.execute(newest).fetchone() > before, "somebody does something")


class Lived(unittest.TestCase):
    """The shop after three days."""

    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(mock.patch.object(shop, "HISTORY", 5 * DAY))
        cls.enterClassContext(mock.patch.object(shop, "CUSTOMERS", 500))
        cls.shop = shop.Shop(cls.enterClassContext(support.folder()) / "shop", shop.now() - 3 * DAY)
        cls.addClassCleanup(cls.shop.database.close)
        cls.columns = cls.columns_of_the_warehouse()
        for hours in range(1, 73):
            cls.shop.advance(cls.shop.start + hours * shop.HOUR)

    @classmethod
    def columns_of_the_warehouse(cls):
        return [row[1] for row in cls.ask("PRAGMA warehouse.table_info(orders)")]

    @classmethod
    def ask(cls, query, *parameters):
        return cls.shop.database.execute(query, parameters).fetchall()

    def test_nothing_is_kept_for_ever(self):
        oldest = shop.text_of(self.shop.start + 3 * DAY - shop.HISTORY)
        for table, time in shop.TIMES.items():
            with self.subTest(table):
                kept = self.ask(f"SELECT COUNT(*), MIN({time}) FROM {table}")[0]
                self.assertGreater(kept[0], 0)
                self.assertGreaterEqual(kept[1], oldest)

    def test_the_import_goes_on_as_broken_as_it_was(self):
        until = shop.text_of(self.shop.start + 3 * DAY - shop.IMPORT_DELAY)
        since = shop.text_of(self.shop.start)
        wanted = self.ask("SELECT id FROM orders WHERE id % 5 < 2 AND created_at >= ? AND created_at < ?", since, until)
        found = self.ask("SELECT order_id FROM warehouse.orders WHERE ordered_at >= ?", since)
        self.assertEqual(set(found), set(wanted))
        self.assertEqual({order for order in found if found.count(order) == 2},
                         {order for order in wanted if order[0] % 20 == 0})

    def test_the_replica_has_what_the_shop_has(self):
        self.assertEqual(self.ask("SELECT id FROM replica.orders"), self.ask("SELECT id FROM main.orders"))

    def test_the_warehouse_has_a_column_more(self):
        self.assertEqual(self.columns_of_the_warehouse(), [*self.columns, "coupon"])


if __name__ == "__main__":
    unittest.main()
