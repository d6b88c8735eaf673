"""A shop in an SQLite database that lives: 14 days of orders, and new ones every second or two.

Usage: python3 -B deploy/shop_demo DATABASE
"""

import datetime
import math
import os
import random
import sqlite3
import sys
import time

SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, country TEXT NOT NULL, signed_up_at TEXT NOT NULL);
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers, created_at TEXT NOT NULL,
  loaded_at TEXT NOT NULL, amount NUMERIC NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,
  shipped_at TEXT);
CREATE INDEX orders_created_at ON orders (created_at);
CREATE INDEX orders_open ON orders (shipped_at) WHERE shipped_at IS NULL;
"""
COUNTRIES = {"DE": 5, "FR": 3, "NL": 2}
DAYS, CUSTOMERS, ORDERS_AN_HOUR = 14, 400, 30
SHIPS_AFTER = datetime.timedelta(hours=6)


def text_of(moment):
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def busyness(moment):
    """Between 0.2 at night and 1 in the afternoon."""
    return 0.6 - 0.4 * math.cos((moment.hour + moment.minute / 60 - 3) / 24 * 2 * math.pi)


class Shop:
    def __init__(self, path):
        self.random = random.Random(7)
        self.database = sqlite3.connect(path, timeout=10)
        self.database.execute("PRAGMA journal_mode = WAL")

    def fill(self, now):
        countries = self.random.choices(list(COUNTRIES), COUNTRIES.values(), k=CUSTOMERS)
        begin = now - datetime.timedelta(days=DAYS)
        with self.database:
            self.database.executescript(SCHEMA)
            self.database.executemany("INSERT INTO customers (country, signed_up_at) VALUES (?, ?)",
                                      [(country, text_of(begin)) for country in countries])
            moment = begin
            while True:
                pause = self.random.expovariate(ORDERS_AN_HOUR * busyness(moment) / 3600)
                moment += datetime.timedelta(seconds=pause)
                if moment >= now:
                    break
                self.order(moment)
            self.ship(now)

    def order(self, moment):
        amount = round(self.random.lognormvariate(3.5, 0.7), 2)
        self.database.execute(
            "INSERT INTO orders (customer_id, created_at, loaded_at, amount, currency, status)"
            " VALUES (?, ?, ?, ?, 'EUR', 'paid')",
            (self.random.randint(1, CUSTOMERS), text_of(moment), text_of(moment), amount))

    def ship(self, now):
        self.database.execute("UPDATE orders SET shipped_at = datetime(created_at, '+6 hours'), status = 'shipped'"
                              " WHERE shipped_at IS NULL AND created_at < ?", (text_of(now - SHIPS_AFTER),))

    def live(self):
        while True:
            now = datetime.datetime.now(datetime.timezone.utc)
            with self.database:
                self.order(now)
                self.ship(now)
            time.sleep(self.random.uniform(0.5, 2) / busyness(now))


def main():
    path = sys.argv[1]
    # Made apart, so that nobody sees a part of it.
    shop = Shop(f"{path}.new")
    shop.fill(datetime.datetime.now(datetime.timezone.utc))
    shop.database.close()
    os.rename(f"{path}.new", path)
    Shop(path).live()


if __name__ == "__main__":
    main()
