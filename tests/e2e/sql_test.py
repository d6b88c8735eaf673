"""sql_exporter with a SQLite database: pages, restarts, reloads, locks, faults of its peers, and no secret anywhere."""

import contextlib
import os
import re
import signal
import sqlite3
import time
import unittest

import support
from support import SOURCE, Exporter, run

NAME = "sql_exporter"
GOLDEN = SOURCE / "tests/fixtures/sql/exporter.prom"
PASSWORD = "hush} ;=hush"
# Families that differ between runs or machines.
VOLATILE = re.compile(r"process_\w+|exporter_build_info|exporter_upstream_\w+|exporter_ledger_size_bytes|sql_server_info|"
                      r"exporter_collector_duration_seconds|\w+_timestamp_seconds|sql_quer\w+|sql_idle_.*|sql_logins_total|exporter_ledger_open_events")
COLLECTORS = """
collectors:
  open_orders:
    every: 1s
    query: SELECT country, count(*) AS orders FROM orders WHERE shipped_at IS NULL GROUP BY country
    metrics: [{name: shop_open_orders, help: Orders that are not shipped yet., value: orders, labels: [country]}]
  largest:
    on_scrape: true
    query: SELECT max(amount) AS Largest FROM orders
    metrics: [{name: shop_largest_order_eur, help: The largest order., value: largest}]
  orders:
    every: 1s
    events:
      query: SELECT id, created_at, country, amount FROM orders WHERE created_at >= :since
      unit: id
      when: created_at
      overlap: 10m
      late: 6h
      past: 1h
    metrics:
      - {name: shop_orders_total, help: Orders., labels: [country]}
      - {name: shop_order_amount_eur, type: histogram, help: Amount of an order., value: amount, buckets: [10, 50]}
"""


def lasting(page):
    """The page without the volatile families."""
    families = re.split(r"(?m)^(?=# HELP )", page)
    return "".join(each for each in families if not VOLATILE.fullmatch((each.split() + [""] * 3)[2]))


class Shop(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = self.enterContext(support.folder())
        self.database = self.enterContext(contextlib.closing(
            sqlite3.connect(self.folder / "shop.db", timeout=60, isolation_level=None)))
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, created_at TEXT, country TEXT,"
                              " amount NUMERIC, shipped_at TEXT)")
        self.order("DE", 7.5)
        self.order("DE", 12.5)
        self.order("FR", 99.25)
        self.config = self.folder / "sql.yml"
        self.write_config(COLLECTORS)

    def order(self, country, amount, id_=None):
        self.database.execute("INSERT INTO orders VALUES (?, datetime('now'), ?, ?, NULL)", (id_, country, amount))

    def write_config(self, collectors, more=""):
        self.config.write_text(f"sources:\n  - name: shop\n    odbc: Driver=SQLite3;Database={self.folder}/shop.db\n"
                               f"{more}{collectors}")

    def start(self, *flags):
        return Exporter(f"--config.file={self.config}", f"--state.dir={self.folder}/state", *flags, name=NAME)

    def wait_for(self, exporter, **wanted):
        """Waits for a page with these values by series, such as `orders_DE`; None means that a series does
        not exist."""
        names = {"open": 'shop_open_orders{{source="shop",country="{}"}}',
                 "orders": 'shop_orders_total{{source="shop",country="{}"}}', "up": 'sql_up{{source="shop"}}',
                 "success": 'exporter_collector_success{{collector="{}",source="shop"}}'}
        series = {}
        for key, value in wanted.items():
            name, _, rest = key.partition("_")
            series[names[name].format(rest)] = None if value is None else str(value)

        def found():
            page = exporter.page()
            samples = support.samples(page)
            return page if all(samples.get(name) == value for name, value in series.items()) else None

        return support.poll(found, f"a page with {series}")

    def run_once(self, *flags, config=None):
        return run(f"--config.file={config or self.config}", *flags, name=NAME)


class Pages(Shop):
    def test_a_page(self):
        with self.start() as exporter:
            self.wait_for(exporter, open_DE=2, orders_FR=1, up_=1)
            page = exporter.page()  # the metrics of the ledger may have been read before its run ended
        page = lasting(page)
        if os.environ.get("UPDATE_GOLDEN"):
            GOLDEN.parent.mkdir(exist_ok=True)
            GOLDEN.write_text(page)
        self.assertEqual(page.splitlines(), GOLDEN.read_text().splitlines())

    def test_rows_that_are_gone_are_gone(self):
        with self.start() as exporter:
            self.wait_for(exporter, open_FR=1)
            self.database.execute("UPDATE orders SET shipped_at = 'now' WHERE country = 'FR'")
            self.wait_for(exporter, open_FR=None, open_DE=2, orders_FR=1)

    def test_counters_go_on_after_a_kill(self):
        with self.start() as exporter:
            self.wait_for(exporter, orders_DE=2)
            exporter.send(signal.SIGKILL)
            exporter.wait(60)
        self.order("DE", 1)
        with self.start() as exporter:
            self.wait_for(exporter, orders_DE=3, orders_FR=1)


class Failures(Shop):
    def test_a_failed_query_is_tried_again_at_its_next_run(self):
        """It is not delayed by an interval, as a cached result would be."""
        self.write_config(COLLECTORS.replace("FROM orders WHERE shipped_at", "FROM late_orders WHERE shipped_at"))
        with self.start() as exporter:
            self.wait_for(exporter, success_open_orders=0, success_orders=1, up_=1)
            self.database.execute("CREATE VIEW late_orders AS SELECT * FROM orders")
            self.wait_for(exporter, success_open_orders=1, open_DE=2)

    def test_what_was_good_stays_with_its_age(self):
        with self.start() as exporter:
            self.wait_for(exporter, open_DE=2, orders_DE=2)
            self.database.execute("ALTER TABLE orders RENAME TO gone")
            page = self.wait_for(exporter, success_open_orders=0, open_DE=2, orders_DE=2)
            age = re.search(r'exporter_collector_last_success_timestamp_seconds\{collector="open_orders".*\} (\S+)', page)
            self.assertLess(abs(time.time() - float(age[1])), 600)
            self.assertIsNone(re.search("^shop_largest_order_eur", page, re.M), "of a run on scrape nothing stays")

    def test_a_lock_is_not_waited_for_without_end(self):
        self.database.execute("PRAGMA journal_mode = DELETE")  # in which a writer excludes readers
        with self.start() as exporter:
            self.wait_for(exporter, open_DE=2)
            self.database.execute("BEGIN EXCLUSIVE")
            page = self.wait_for(exporter, success_open_orders=0, up_=1)
            self.assertRegex(page, r'exporter_collector_failures_total\{collector="open_orders",reason="locked",')
            self.database.execute("ROLLBACK")
            self.wait_for(exporter, success_open_orders=1, open_DE=2)

    def test_a_slow_query_holds_up_no_other(self):
        slow = """
  endless:
    every: 1s
    timeout: 2s
    query: WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT count(*) AS n FROM c
    metrics: [{name: endless, help: Endless., value: n}]
"""
        self.write_config(COLLECTORS + slow)
        with self.start() as exporter:
            self.wait_for(exporter, success_endless=0, open_DE=2)
            self.order("DE", 1)
            page = self.wait_for(exporter, open_DE=3, orders_DE=3, up_=1)
            self.assertRegex(page, r'exporter_collector_failures_total\{collector="endless",reason="timeout",source="shop"\} [1-9]')
            support.poll(lambda: re.search(r'^sql_connections_cut_total\{source="shop"\} [1-9]', exporter.page(), re.M),
                         "the connection of the endless query is dropped")

    def test_a_database_that_is_not_there_is_down_and_not_made(self):
        (self.folder / "shop.db").rename(self.folder / "moved.db")
        with self.start() as exporter:
            self.wait_for(exporter, up_=0)
            self.assertFalse((self.folder / "shop.db").exists())
            (self.folder / "moved.db").rename(self.folder / "shop.db")
            self.wait_for(exporter, up_=1, open_DE=2)

    def test_nothing_is_written_by_a_query(self):
        self.write_config(COLLECTORS.replace("SELECT max(amount) AS Largest FROM orders",
                                             "DELETE FROM orders RETURNING amount AS largest"))
        with self.start() as exporter:
            self.wait_for(exporter, open_DE=2, success_largest=0)
        self.assertEqual(self.database.execute("SELECT count(*) FROM orders").fetchone(), (3,))


class Reloads(Shop):
    def test_new_queries_and_addresses_are_used(self):
        with self.start() as exporter:
            self.wait_for(exporter, open_DE=2)
            with contextlib.closing(sqlite3.connect(self.folder / "other.db")) as other:
                other.execute("CREATE TABLE orders (id, created_at, country, amount, shipped_at)")
                other.execute("INSERT INTO orders VALUES (9, datetime('now'), 'NL', 1, NULL)")
                other.commit()
            self.config.write_text(self.config.read_text().replace("shop.db", "other.db"))
            exporter.send(signal.SIGHUP)
            self.wait_for(exporter, open_DE=None, open_NL=1)

    def test_a_mistake_keeps_the_old_ones(self):
        with self.start() as exporter:
            self.wait_for(exporter, open_DE=2)
            self.config.write_text(self.config.read_text().replace("every: 1s", "evry: 1s"))
            exporter.send(signal.SIGHUP)
            exporter.wait_for_lines("configuration not reloaded")
            self.order("DE", 1)
            self.wait_for(exporter, open_DE=3)

    def test_memory_does_not_grow_with_reloads(self):
        def resident(exporter):
            return int(re.search(r"VmRSS:\s+(\d+)", exporter.proc("status").read_text())[1])

        def reload(exporter, count):
            for _ in range(count):
                reloaded = "".join(exporter.log()).count("configuration reloaded")
                exporter.send(signal.SIGHUP)
                exporter.wait_for_lines("configuration reloaded", reloaded + 1)

        with self.start() as exporter:
            self.wait_for(exporter, open_DE=2)
            reload(exporter, 20)
            before = resident(exporter)
            reload(exporter, 60)
            self.wait_for(exporter, open_DE=2)
            if not support.SANITIZED:  # sanitizers keep freed memory
                self.assertLess(resident(exporter), before + 6000)


class Reports(Shop):
    def test_explain_shows_rows_and_samples(self):
        result = self.run_once("--explain=open_orders")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(result.stdout, r"2 rows in [\d.]+ s\n  country  orders\n  DE       2\n  FR       1\n")
        self.assertIn('shop_open_orders{source="shop",country="DE"} 2\n', result.stdout)

    def test_explain_counts_events_without_a_trace(self):
        result = self.run_once("--explain=orders", f"--state.dir={self.folder}/state")
        self.assertIn('shop_orders_total{source="shop",country="DE"} 2\n', result.stdout)
        self.assertFalse((self.folder / "state").exists())

    def test_explain_names_what_was_refused(self):
        self.write_config(COLLECTORS.replace("count(*) AS orders", "'many' AS orders"))
        result = self.run_once("--explain=open_orders")
        self.assertIn("refused\n  shop_open_orders: orders: expected a number, found 'many'\n", result.stdout)
        self.assertEqual((result.returncode, result.stderr), (1, ""))

    def test_explain_fails_when_the_statement_does(self):
        self.database.execute("DROP TABLE orders")
        result = self.run_once("--explain=open_orders")
        self.assertEqual((result.returncode, result.stderr), (1, ""))
        self.assertRegex(result.stdout, r"refused after [\d.]+ s\n  .*no such table: orders")

    def test_explain_of_a_collector_that_there_is_not(self):
        for name, there in {"open_order": "open_orders, largest, orders", "closed": "largest, open_orders, orders"}.items():
            result = self.run_once(f"--explain={name}")
            self.assertEqual((result.returncode, result.stdout), (1, ""))
            self.assertEqual(result.stderr, f"sql_exporter: --explain: {name} is not a collector; expected {there}\n")

    def test_print_sql_and_grants_ask_nothing(self):
        (self.folder / "shop.db").unlink()
        result = self.run_once("--print-sql")
        self.assertIn("-- source shop, collector open_orders: every 1s, timeout 10s\nSELECT country, ", result.stdout)
        self.assertIn("WHERE created_at >= '20", result.stdout)
        self.config.write_text(self.config.read_text().replace("Driver=SQLite3", "Driver=PostgreSQL Unicode;Uid=monitor"))
        result = self.run_once("--grants")
        self.assertIn('GRANT SELECT ON orders TO "monitor";\n', result.stdout)
        self.assertEqual(result.returncode, 0)

    def test_sources_are_checked(self):
        result = self.run_once("--config.check-sources")
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stdout, r"login +SQLite .*\n  open_orders +2 rows in .*\n")
        self.database.execute("DROP TABLE orders")
        result = self.run_once("--config.check-sources")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stdout, r"\n! open_orders +.*no such table.*")

    def test_what_an_exporter_refuses_a_check_of_sources_refuses(self):
        self.write_config(COLLECTORS.replace("shop_largest_order_eur", "shop_open_orders"))
        for flag in ("--config.check", "--config.check-sources"):
            with self.subTest(flag=flag):
                result = self.run_once(flag)
                self.assertEqual((result.returncode, result.stdout), (1, ""))
                self.assertIn("metric shop_open_orders is declared by open_orders and by largest\n", result.stderr)


class Secrets(Shop):
    def test_a_password_is_nowhere(self):
        (self.folder / "password").write_text(PASSWORD)
        self.write_config(COLLECTORS, f"    password_file: {self.folder}/password\n")
        with self.start("--log.level=debug") as exporter:
            page = self.wait_for(exporter, open_DE=2)
            texts = [page, exporter.get("/").body.decode(), exporter.proc("cmdline").read_text(), "\n".join(exporter.log())]
        for text in (*texts, self.run_once("--explain=orders").stdout, self.run_once("--config.check-sources").stdout):
            self.assertNotIn("hush", text)
        self.assertIn("open_orders", texts[1])

    def test_data_in_a_statement_is_not_in_the_error(self):
        secret = "4711-secret-card"
        self.write_config(COLLECTORS.replace("WHERE shipped_at IS NULL", f"WHERE card = '{secret}'"))
        with self.start() as exporter:
            page = self.wait_for(exporter, success_open_orders=0)
            failed = support.poll(lambda: [line for line in exporter.log() if "collector=open_orders" in line],
                                  "the failure in the log")
            texts = [page, exporter.get("/").body.decode(), "\n".join(exporter.log())]
        self.assertNotIn(secret, "".join(texts))
        self.assertIn("card", failed[0])

    def test_a_password_in_the_string_is_refused(self):
        self.config.write_text("sources: [{name: shop, odbc: Driver=SQLite3;Pwd=hush}]\n")
        result = self.run_once("--config.check")
        self.assertEqual(result.returncode, 1)
        self.assertIn("password_file", result.stderr)
        self.assertNotIn("hush", result.stderr)


if __name__ == "__main__":
    unittest.main()
