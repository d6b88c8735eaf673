"""A simulated shop: visits, applications, orders, mails and subscriptions that vary by hour and weekday, a
replica, and a warehouse into which orders are imported.

Ratios that are compared with a baseline are exact, not random, so that only the intended problems appear:

- the campaign retargeting has been silent since 36 hours before the start;
- in the app, a smaller share of started applications has been submitted since three days before;
- few open the mailing win_back;
- the import has been broken since the day before yesterday (import.sql), and exchange rates have been
missing since.
"""

import datetime
import heapq
import itertools
import math
import pathlib
import random
import sqlite3

HOUR = datetime.timedelta(hours=1)
HISTORY = datetime.timedelta(days=36)  # a baseline covers four weeks before a day that is two days ago
DAY = 86400
WEEK = (1.1, 1, 1, 1, 1.05, 1.1, 0.75)  # relative activity from Monday on
VISITS, CARTS, MAILS, SUBSCRIPTIONS = 2400, 800, 500, 10  # per day
CUSTOMERS = 20_000  # before the start of the history
COUNTRIES = {"DE": 5, "FR": 3, "NL": 2}
CAMPAIGNS = {None: 6, "spring_sale": 2, "newsletter": 1.5, "retargeting": 1}
MAILINGS = {"newsletter": 3, "cart_reminder": 2, "win_back": 2}
OPENED = {"newsletter": 0.24, "cart_reminder": 0.41, "win_back": 0.07}  # share of mails opened by people
PRICES = {1: 9, 12: 96}  # of a subscription, by its term in months
SHIPS_AFTER = 6 * HOUR
REPLICATED_EVERY = datetime.timedelta(minutes=4)
IMPORT_DELAY = datetime.timedelta(minutes=1)
COLUMN_AFTER = datetime.timedelta(minutes=2)
TIMES = {"actions": "happened_at", "orders": "created_at", "refunds": "made_at", "mails": "sent_at",
         "mail_reports": "reported_at", "replica.orders": "created_at", "warehouse.orders": "ordered_at"}
HERE = pathlib.Path(__file__).resolve().parent


def configuration(directory):
    """The configuration of sql_exporter for the databases in a directory."""
    return (HERE / "sql_exporter.yml").read_text().replace("Database=", f"Database={directory}/")


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def text_of(moment):
    return moment.isoformat(" ", "seconds")[:19]


class Shop:
    """Writes shop.db, replica.db and warehouse.db into a new directory, with all events up to the start."""

    def __init__(self, directory, start):
        self.start, self.begin = start, start - HISTORY
        self.broken_since = start.replace(hour=0, minute=0, second=0, microsecond=0) - datetime.timedelta(days=2)
        self.holiday = (start - datetime.timedelta(days=10)).date()
        self.random, self.shares = random.Random(7), {}
        self.agenda, self.numbers, self.rows = [], itertools.count(), {}
        self.customers, self.orders, self.mails = 0, 0, 0
        self.imported, self.replicated, self.pruned = self.begin, self.begin, start
        directory.mkdir()
        self.open(directory)
        self.database.executescript((HERE / "shop.sql").read_text())
        self.plan()
        self.advance(start)

    def open(self, directory):
        self.database = sqlite3.connect(directory / "shop.db", timeout=30)
        for name in ("replica", "warehouse"):
            self.database.execute(f"ATTACH ? AS {name}", (str(directory / f"{name}.db"),))
        for name in ("main", "replica", "warehouse"):
            self.database.execute(f"PRAGMA {name}.journal_mode = WAL")

    def plan(self):
        year = datetime.timedelta(days=365)
        for number in range(CUSTOMERS):
            self.sign_up(self.begin - year + number / CUSTOMERS * year)
        self.add("holidays", str(self.holiday), "the anniversary")
        for per_day, act in ((VISITS, self.visit), (CARTS, self.fill_cart), (MAILS, self.mail)):
            self.at(self.begin, self.repeat, per_day, act)
        self.at(self.begin - year, self.repeat, SUBSCRIPTIONS, self.subscribe)
        self.at(self.begin.replace(hour=5, minute=0), self.load_exchange_rates)
        self.at(self.start + COLUMN_AFTER, self.add_column)

    # -- time

    def at(self, moment, act, *arguments):
        heapq.heappush(self.agenda, (moment, next(self.numbers), act, arguments))

    def later(self, moment, smallest, largest, act, *arguments):
        """Schedules an act after a random number of minutes between the two; most delays are short."""
        minutes = smallest * (largest / smallest) ** self.random.random()
        self.at(moment + datetime.timedelta(minutes=minutes), act, *arguments)

    def repeat(self, moment, per_day, act):
        act(moment)
        pause = self.random.gammavariate(4, 0.25) * DAY / (per_day * self.busyness(moment))
        self.at(moment + datetime.timedelta(seconds=pause), self.repeat, per_day, act)

    def busyness(self, moment):
        hour = moment.hour + moment.minute / 60
        day = 0.4 if moment.date() == self.holiday else WEEK[moment.weekday()]
        return day * (1 - 0.5 * math.cos((hour - 3) / 24 * 2 * math.pi))

    def advance(self, until):
        """Executes all events up to then, in one transaction."""
        while self.agenda[0][0] <= until:
            moment, _, act, arguments = heapq.heappop(self.agenda)
            act(moment, *arguments)
        with self.database:
            for table, rows in self.rows.items():
                self.database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
            self.rows = {}
            self.ship(until)
            self.replicate(until)
            self.import_orders(until)
            self.prune(until)

    # -- chance

    def share(self, what, ratio):
        """Returns True for exactly this share of the calls."""
        self.shares[what] = self.shares.get(what, 0.5) + ratio
        if self.shares[what] < 1:
            return False
        self.shares[what] -= 1
        return True

    def choose(self, weights):
        return self.random.choices(list(weights), weights.values())[0]

    def customer(self):
        """A customer. Those who signed up recently come most often."""
        back = int(4000 * (self.random.paretovariate(1) - 1))
        return self.customers - back if back < self.customers else self.random.randint(1, self.customers)

    def campaign(self, moment):
        campaign = self.choose(CAMPAIGNS)
        is_silent = moment > self.start - 36 * HOUR
        return None if campaign == "retargeting" and is_silent else campaign

    # -- what happens

    def add(self, table, *row):
        self.rows.setdefault(table, []).append(row)

    def sign_up(self, moment):
        self.customers += 1
        self.add("customers", self.customers, self.choose(COUNTRIES), text_of(moment))
        return self.customers

    def record(self, moment, customer, name, platform, campaign):
        self.add("actions", None, customer, name, text_of(moment), platform, campaign)

    def visit(self, moment):
        customer = self.sign_up(moment) if self.random.random() < 0.05 else self.customer()
        platform = self.choose({"web": 6, "app": 4})
        who = customer, platform, self.campaign(moment)
        self.record(moment, customer, "visit", *who[1:])
        if self.random.random() < 0.5:
            self.later(moment, 1, 5, self.begin_application, *who)

    def begin_application(self, moment, customer, platform, campaign):
        self.record(moment, customer, "application_started", platform, campaign)
        is_broken = platform == "app" and moment > self.start - datetime.timedelta(days=3)
        if self.share(f"submit in the {platform}", 0.3 if is_broken else 0.5):
            self.later(moment, 3, 600, self.record, customer, "application_submitted", platform, campaign)

    def fill_cart(self, moment):
        who = self.customer(), "web", self.campaign(moment)
        self.record(moment, who[0], "cart_filled", *who[1:])
        if self.share("order", 0.75):
            self.later(moment, 2, 30, self.order, *who)

    def order(self, moment, customer, platform, campaign):
        self.record(moment, customer, "order_placed", platform, campaign)
        self.orders += 1
        amount = round(self.random.lognormvariate(3.5, 0.4), 2)
        currency = "CHF" if self.share("CHF", 0.08) else "EUR"
        self.add("orders", self.orders, customer, text_of(moment), amount, currency, campaign, "paid", None)
        if self.share(f"refund in {currency}", 0.06):
            self.later(moment, 600, 7200, self.refund, self.orders, amount, currency)

    def refund(self, moment, order, amount, currency):
        self.add("refunds", None, order, text_of(moment), amount, currency)

    def mail(self, moment):
        mailing = self.choose(MAILINGS)
        self.mails += 1
        self.add("mails", self.mails, self.customer(), mailing, text_of(moment))
        if self.share("bounce", 0.02):
            self.later(moment, 1, 5, self.report, self.mails, "bounce")
            return
        self.later(moment, 0.1, 1, self.report, self.mails, "delivered")
        if self.share(f"proxy opens {mailing}", 0.3):
            self.later(moment, 2, 20, self.report, self.mails, "open", True)
        if self.share(f"human opens {mailing}", OPENED[mailing]):
            self.later(moment, 5, 1000, self.report, self.mails, "open")
            for event, ratio in (("click", 0.2), ("unsubscribe", 0.02), ("spamreport", 0.005)):
                if self.random.random() < ratio:
                    self.later(moment, 1000, 2000, self.report, self.mails, event)

    def report(self, moment, mail, event, is_proxy=False):
        self.add("mail_reports", None, mail, event, text_of(moment), is_proxy)

    def subscribe(self, moment):
        months, periods = self.choose({(1, 2): 1, (1, 5): 1, (1, 9): 1, (12, 1): 1})
        ends = moment + datetime.timedelta(days=30.4 * months * periods)
        currency = "CHF" if self.share("CHF subscription", 0.1) else "EUR"
        self.add("subscriptions", None, self.customer(), text_of(moment), text_of(ends), months, PRICES[months],
                 currency)

    # -- what is done to the databases

    def ship(self, until):
        self.database.execute("UPDATE orders SET shipped_at = datetime(created_at, '+6 hours'), status = 'shipped'"
                              " WHERE shipped_at IS NULL AND created_at < ?", (text_of(until - SHIPS_AFTER),))

    def replicate(self, until):
        """Updates the replica, which is up to four minutes behind."""
        if until - self.replicated < REPLICATED_EVERY:
            return
        self.replicated = until
        self.database.execute("INSERT INTO replica.orders SELECT * FROM main.orders"
                              " WHERE id > (SELECT COALESCE(MAX(id), 0) FROM replica.orders)")

    def import_orders(self, until):
        since, self.imported = self.imported, until - IMPORT_DELAY
        self.database.execute((HERE / "import.sql").read_text(),
                              {"since": text_of(since), "until": text_of(self.imported),
                               "broken_since": text_of(self.broken_since)})

    def load_exchange_rates(self, moment):
        if moment < self.broken_since:
            rate = 0.95 + 0.02 * self.random.random()
            self.add("warehouse.exchange_rates", str(moment.date()), "CHF", rate, text_of(moment))
            self.at(moment + datetime.timedelta(days=1), self.load_exchange_rates)

    def add_column(self, _):
        self.database.execute("ALTER TABLE warehouse.orders ADD COLUMN coupon TEXT")

    def prune(self, until):
        """Deletes old rows once an hour, so that the databases do not grow without limit."""
        if until - self.pruned < HOUR:
            return
        self.pruned = until
        for table, time in TIMES.items():
            self.database.execute(f"DELETE FROM {table} WHERE {time} < ?", (text_of(until - HISTORY),))
