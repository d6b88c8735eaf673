"""A shop in SQLite, five weeks old, its replica and its copy in a warehouse, in which something is wrong of
each kind that the dashboards of sql_exporter show."""

import contextlib
import datetime
import sqlite3

import yaml

WEEKS = 5
ORDERS = "order_id INTEGER PRIMARY KEY, ordered_at TEXT, loaded_at TEXT, amount NUMERIC, currency TEXT, campaign TEXT, customer_id"
VIEWS = {
    "bm_users": "user_id, signed_up_at, loaded_at",
    "bm_events": "user_id, event, occurred_at, channel, campaign, loaded_at",
    "bm_refunds": "refund_id, refunded_at, amount NUMERIC, currency, loaded_at",
    "bm_email_sends": "message_id, campaign, sent_at, loaded_at",
    "bm_email_events": "message_id, event, occurred_at, machine, loaded_at",
    "bm_subscriptions": "subscription_id, started_at, ended_at, monthly_amount NUMERIC, currency, loaded_at",
    "bm_calendar": "title",  # its column `day` is missing
}  # fmt: skip


class Shop:
    """Writes the databases into a folder."""

    def __init__(self, folder):
        self.folder, self.now = folder, datetime.datetime.now(datetime.timezone.utc)

    def ago(self, **parts):
        return f"{self.now - datetime.timedelta(**parts):%Y-%m-%d %H:%M:%S}"

    def write(self):
        orders = [(number, self.ago(minutes=20 * number), self.ago(minutes=20 * number - 1), 20 + number % 7,
                   "EUR" if number % 4 else "USD", "spring" if number % 2 else "", number if number % 9 else None)
                  for number in range(1, WEEKS * 7 * 24 * 3)]  # fmt: skip
        self.write_orders("shop", orders)
        self.write_orders("replica", orders[5:])
        self.write_orders("warehouse", orders[::2])
        with self.open("shop") as database:
            database.execute("CREATE VIEW bm_orders AS SELECT * FROM orders")
            database.execute("CREATE TABLE carts (cart_id, created_at TEXT)")
            for view, columns in VIEWS.items():
                database.execute(f"CREATE TABLE {view} ({columns})")
            for view, rows in self.rows().items():
                database.executemany(f"INSERT INTO {view} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def rows(self):
        loaded = self.ago(hours=1)
        users = [f"u{number}" for number in range(40)]
        days = range(1, WEEKS * 7)
        events = [(user, event, self.ago(days=day, minutes=number), "web", "spring", loaded)
                  for day in days for number, user in enumerate(users)
                  for event in ("checkout", "order")[: 1 + (number % 3 == 0)]]  # fmt: skip
        sends = [(number, "spring", self.ago(days=4), loaded) for number in range(50)]
        mails = [(number, event, self.ago(days=4), machine, loaded) for number in range(50)
                 for event, machine in (("delivered", None), *[("opened", number % 2)] * (number % 5 == 0))]  # fmt: skip
        mails += [(49, event, self.ago(days=3, hours=20), 0, loaded) for event in
                  ("bounced", "clicked", "complained", "unsubscribed")]  # fmt: skip
        return {
            "bm_users": [(user, self.ago(days=(2, 8, 31)[number % 3]), loaded) for number, user in enumerate(users)],
            "bm_events": events,
            "bm_refunds": [(number, self.ago(hours=number), 5, "EUR", loaded) for number in range(1, 99)],
            "bm_email_sends": sends,
            "bm_email_events": mails,
            "bm_subscriptions": [(number, self.ago(days=number), self.ago(days=1) if number % 2 else None, 12, "EUR",
                                  loaded) for number in range(1, 9)],
        }  # fmt: skip

    @contextlib.contextmanager
    def open(self, name):
        with contextlib.closing(sqlite3.connect(self.folder / f"{name}.db")) as database, database:
            yield database

    def write_orders(self, name, orders):
        with self.open(name) as database:
            database.execute(f"CREATE TABLE orders ({ORDERS})")
            database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)", orders)


def configuration(folder, every):
    """Every check is measured this often, or as often as it may."""
    sources = [{"name": name, "odbc": f"Driver=SQLite3;Database={folder}/{name}.db"}
               for name in ("shop", "replica", "warehouse")]  # fmt: skip
    tables = {
        "orders": {
            "dataset": "shop.orders", "time": "ordered_at", "loaded": "loaded_at", "max_age": "1m",
            "late": {"after": "24h", "ratio": 0.01}, "not_null": {"customer_id": 0.01, "coupon": 0},
            "range": {"amount": [0, 1000]}, "key": {"columns": ["order_id"], "every": "1m", "severity": "critical"},
            "schema": ["order_id", "discount"],
            "volume": {"period": "1h", "weeks": 4, "zone": "UTC", "min": 1.5, "max": 3, "rows": 1},
        },
        "carts": {"dataset": "shop.carts", "time": "created_at", "max_age": "1h", "schema": "watch", "owner": "team-web"},
    }  # fmt: skip
    sides = {side: {"source": source, "table": "orders", "time": "ordered_at"}
             for side, source in (("left", "shop"), ("right", "warehouse"))}  # fmt: skip
    return {
        "sources": sources,
        "quality": {"shop": {"every": every, "owner": "team-shop", "tables": tables}},
        "reconcile": {"orders": {**sides, "dataset": "shop.orders", "every": "1m", "owner": "team-finance",
                                 "days": {"from": 2, "to": 8, "zone": "UTC"}, "measures": {"rows": 0}}},
        "replication": [{"primary": "shop", "replica": "replica", "table": "orders", "time": "ordered_at",
                         "max_lag": "30m", "every": every}],
        "business": {"source": "shop", "timezone": "UTC", "dataset": "shop", "every": every, "max_age": "6h", "past": "7d",
                     "funnels": {"checkout": {"start": "checkout", "end": "order", "within": "24h", "by": "channel"}}},
    }  # fmt: skip


def write(folder, every):
    """Writes the databases and the configuration; its path."""
    folder.mkdir()
    Shop(folder).write()
    config = folder / "sql_exporter.yml"
    config.write_text(yaml.safe_dump(configuration(folder, every)))
    return config


def go_on(folder):
    """A column, an order and a refund more, which the exporter is to find."""
    shop = Shop(folder)
    now = shop.ago(seconds=0)
    with shop.open("shop") as database:
        database.execute("ALTER TABLE carts ADD COLUMN total")
        database.execute("INSERT INTO orders VALUES (NULL, ?, ?, 30, 'EUR', 'spring', 1)", (now, now))
        database.execute("INSERT INTO bm_refunds VALUES (0, ?, 5, 'EUR', ?)", (now, now))
