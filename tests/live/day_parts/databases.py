"""Orders in two databases: SQLite, in which a writer may exclude readers, and PostgreSQL, which is behind a network."""

import pathlib
import random
import re
import signal
import sqlite3
import threading

from gate import Gate
from servers import PASSWORDS, PostgreSql
from support import samples
from world import LATE, Worker, World, different

COUNTRIES, BUCKETS = ("DE", "FR", "NL"), (10, 50, 200)


class Sqlite:
    """SQLite without a write-ahead log, so that a writer excludes readers."""

    NOW = "datetime('now')"

    def __init__(self, folder):
        self.path, self.lock, self.locker = folder / "shop.db", threading.Lock(), None
        self.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, created_at TEXT, country TEXT, amount NUMERIC)")

    def source(self):
        return {"name": "shop", "odbc": f"Driver=SQLite3;Database={self.path}"}

    def run(self, statement):
        with self.lock:
            connection = sqlite3.connect(self.path, timeout=LATE)
            with connection:
                rows = connection.execute(statement).fetchall()
            connection.close()
        return rows

    def fail(self, _):
        """Holds an exclusive lock."""
        self.lock.acquire()
        self.locker = sqlite3.connect(self.path, timeout=LATE, isolation_level=None, check_same_thread=False)
        self.locker.execute("BEGIN EXCLUSIVE")

    def repair(self):
        self.locker.execute("ROLLBACK")
        self.locker.close()
        self.lock.release()

    def close(self):
        pass


class Quiet(PostgreSql):
    SETTINGS = PostgreSql.SETTINGS | {"log_statement": "none"}


class Remote:
    """PostgreSQL behind a Gate."""

    NOW = "now()"

    def __init__(self, folder):
        self.lock, self.is_frozen = threading.Lock(), False
        self.server = Quiet(folder)
        self.gate = Gate(self.server.port)
        self.password = folder / "password"
        self.password.write_text(PASSWORDS["monitor"])
        self.server.admin("CREATE TABLE orders (id serial PRIMARY KEY, created_at timestamptz, country text, amount numeric);"
                          " GRANT SELECT ON orders TO monitor")

    @staticmethod
    def can_be():
        """Whether the server and its driver are installed."""
        drivers = pathlib.Path("/etc/odbcinst.ini")
        return (any(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
                and drivers.exists() and "[PostgreSQL Unicode]" in drivers.read_text())

    def source(self):
        return {"name": "billing", "password_file": str(self.password),
                "odbc": f"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={self.gate.port};Database=shop;Uid=monitor;"
                        "SSLmode=disable"}

    def run(self, statement):
        with self.lock:
            return [line.split("|") for line in self.server.admin(statement).splitlines()]

    def fail(self, mode):
        self.is_frozen = mode == "freeze"
        if self.is_frozen:
            self.lock.acquire()
            self.server.freeze()
        else:
            self.gate.fail(mode)

    def repair(self):
        if self.is_frozen:
            self.server.send(signal.SIGCONT)
            self.lock.release()
        else:
            self.gate.repair()

    def close(self):
        self.gate.close()
        self.server.stop()


class Sql(World):
    """A source with orders, some of which are corrected."""

    name = "sql"
    counters = re.compile(r"shop_(orders_total|revenue_eur_total|order_amount_eur_(count|sum|bucket))")

    def __init__(self, folder, dice, _clock):
        self.dice, self.failing, self.workers = dice, None, []
        self.databases = {"shop": Sqlite(folder)}
        self.modes = ("locked",)
        if Remote.can_be():
            self.databases["billing"] = Remote(folder)
            self.modes = ("locked", "locked", "freeze", "refuse", "reset", "hang", "cut", "noise")
        for database in self.databases.values():
            self.order(database)

    @staticmethod
    def alert_of(mode):
        """A locked database still answers."""
        return "ExporterCollectorFailing" if mode == "locked" else "SqlDown"

    def configuration(self):
        amount = {"value": "amount"}
        return {
            "sources": [database.source() for database in self.databases.values()],
            "collectors": {
                "open_orders": {
                    "every": "2s", "timeout": "20s",
                    "query": "SELECT country, count(*) AS orders FROM orders GROUP BY country",
                    "metrics": [{"name": "shop_open_orders", "help": "Orders.", "value": "orders", "labels": ["country"]}]},
                "orders": {
                    "every": "2s", "timeout": "20s",
                    "events": {"query": "SELECT id, created_at, country, amount FROM orders WHERE created_at >= :since",
                               "unit": "id", "when": "created_at", "overlap": "10m", "late": "6h", "past": "1h"},
                    "metrics": [{"name": "shop_orders_total", "help": "Orders.", "labels": ["country"]},
                                {"name": "shop_revenue_eur_total", "help": "Revenue.", "labels": ["country"], **amount},
                                {"name": "shop_order_amount_eur", "type": "histogram", "help": "Amounts.",
                                 "buckets": list(BUCKETS), **amount}]}}}

    def begin(self, exporter):
        for number, database in enumerate(self.databases.values()):
            self.workers.append(Worker(lambda database=database: self.order(database), 1, random.Random(number)))

    def order(self, database):
        database.run(f"INSERT INTO orders (created_at, country, amount) VALUES ({database.NOW}, "
                     f"'{self.dice.choice(COUNTRIES)}', {round(self.dice.lognormvariate(3.5, 1), 2)})")
        if self.dice.random() < 0.05:  # amounts never fall
            database.run("UPDATE orders SET amount = amount + 1 WHERE id = (SELECT max(id) FROM orders)")

    def fail(self, mode):
        self.failing = self.databases["shop" if mode == "locked" else "billing"]
        self.failing.fail(mode)

    def repair(self):
        self.failing.repair()

    def settle(self, exporter):
        for worker in self.workers:
            worker.stop()

    def expected(self, name, database):
        found = {}
        amounts = [float(row[0]) for row in database.run("SELECT amount FROM orders")]
        by_country = database.run("SELECT country, count(*), sum(amount) FROM orders GROUP BY country")
        for country, orders, revenue in by_country:
            labels = f'{{source="{name}",country="{country}"}}'
            found[f"shop_orders_total{labels}"] = int(orders)
            found[f"shop_revenue_eur_total{labels}"] = float(revenue)
        for bound in (*BUCKETS, float("inf")):
            text = "+Inf" if bound == float("inf") else f"{bound:.1f}"
            found[f'shop_order_amount_eur_bucket{{source="{name}",le="{text}"}}'] = sum(each <= bound for each in amounts)
        found[f'shop_order_amount_eur_count{{source="{name}"}}'] = len(amounts)
        found[f'shop_order_amount_eur_sum{{source="{name}"}}'] = sum(amounts)
        return found

    def difference(self, exporter):
        shown = {name: float(value) for name, value in samples(exporter.page()).items() if self.counters.match(name)}
        expected = {}
        for name, database in self.databases.items():
            expected |= self.expected(name, database)
        return different(expected, shown)

    def known(self):
        counts = {name: int(database.run("SELECT count(*) FROM orders")[0][0]) for name, database in self.databases.items()}
        return f"orders: {counts}"

    def close(self):
        for database in self.databases.values():
            database.close()
