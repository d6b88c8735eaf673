"""The account's metering: rows of five minutes, of hours and of days."""

import collections
from decimal import Decimal
from fractions import Fraction

from snowflake_fake.usage import decimal_of
from snowflake_fake.warehouse import HOUR, whole

DAY, LOAD = 86400, 300
SHORTEST_ATTRIBUTED = 0.1  # seconds; shorter statements have no cost of their own
EARLY = 0.05  # share of hours that first appear without their idle credits
CLOUD_DELAY = 6 * HOUR  # credits for cloud services become visible later than compute credits
PRICE = Decimal("3.00")  # per credit
CURRENCY = "EUR"
DROPPED = {17: "RAW_2025", 18: "SCRATCH"}  # dropped databases that still use storage
ORGANIZATION = {"ORGANIZATION_NAME": "DEMO", "CONTRACT_NUMBER": "C-1"}
ACCOUNT = {"ACCOUNT_NAME": "ACCOUNT", "ACCOUNT_LOCATOR": "FK12345", "REGION": "AWS_EU_CENTRAL_1",
           "SERVICE_LEVEL": "ENTERPRISE", "CURRENCY": CURRENCY}


class Metering:
    """Meters an account while its time passes."""

    def __init__(self, account):
        self.account, self.usage = account, account.usage
        self.cloud = collections.Counter()  # credits by hour, of statements without a warehouse
        self.days = collections.defaultdict(lambda: [Decimal(0), Decimal(0)])  # by day and service
        self.balance = Decimal(100_000)

    def begin(self):
        self.account.every(LOAD, self.five_minutes)
        self.account.every(HOUR, self.hour)

    def charge_cloud(self, now, credits):
        self.cloud[whole(now)] += credits

    # Five minutes

    def five_minutes(self, now):
        for monitor in self.account.monitors.values():
            monitor.enforce(now)
        for warehouse in self.account.warehouses.values():
            warehouse.settle(now)
            self.load(warehouse, now - LOAD, now)
            self.take_events(warehouse)

    def load(self, warehouse, low, high):
        """Adds no row if nothing ran or waited."""
        queries = [query for query in warehouse.queries if query.end > low]
        running = sum(query.overlap(low, high) for query in queries)
        waited = [query.queued(low, high) for query in queries]
        provisioning, overload = (sum(each[part] for each in waited) for part in (0, 1))
        if running + provisioning + overload == 0:
            return
        self.usage.add("WAREHOUSE_LOAD_HISTORY", low, {
            "START_TIME": low, "END_TIME": high, "WAREHOUSE_ID": warehouse.number,
            "WAREHOUSE_NAME": warehouse.name, "AVG_RUNNING": decimal_of(running / LOAD),
            "AVG_QUEUED_LOAD": decimal_of(overload / LOAD),
            "AVG_QUEUED_PROVISIONING": decimal_of(provisioning / LOAD),
            "AVG_BLOCKED": Decimal(0)}, happened=high)

    def take_events(self, warehouse):
        for when, event, reason in warehouse.events:
            self.usage.add("WAREHOUSE_EVENTS_HISTORY", when, {
                "TIMESTAMP": when, "WAREHOUSE_ID": warehouse.number, "WAREHOUSE_NAME": warehouse.name,
                "EVENT_NAME": event, "EVENT_REASON": reason, "EVENT_STATE": "COMPLETED",
                "SIZE": warehouse.size, "CLUSTER_COUNT": warehouse.clusters})
        warehouse.events.clear()

    # Hours

    def hour(self, now):
        hour = whole(now) - HOUR
        for warehouse in self.account.warehouses.values():
            attributed = None if warehouse.is_adaptive else self.attribute(warehouse, hour)
            warehouse.close_hour(hour)
            self.meter_warehouse(warehouse, hour, attributed)
        self.other_services(hour)
        if now % DAY == 0:
            self.day(now)

    def attribute(self, warehouse, hour):
        """Credits of the hour attributed to statements, each of which gets a row once it has ended."""
        shares, total = warehouse.shares(hour, hour + HOUR), Decimal(0)
        compute = warehouse.used_since(hour, hour + HOUR, hour + HOUR)[1]
        rate = warehouse.rate()
        if sum(shares.values()) * rate > compute * HOUR:  # the warehouse was smaller for a part of the hour
            rate = compute * HOUR / Fraction(sum(shares.values()))
        for query, seconds in shares.items():
            credits = decimal_of(rate * Fraction(seconds) / HOUR)
            total, query.attributed = total + credits, query.attributed + credits
            if query.end > hour + HOUR or query.end - query.start <= SHORTEST_ATTRIBUTED:
                continue
            self.usage.add("QUERY_ATTRIBUTION_HISTORY", query.end, {
                "QUERY_ID": query.row["QUERY_ID"], "WAREHOUSE_ID": warehouse.number,
                "WAREHOUSE_NAME": warehouse.name, "QUERY_TAG": query.row["QUERY_TAG"],
                "USER_NAME": query.row.get("USER_NAME"), "START_TIME": query.start, "END_TIME": query.end,
                "CREDITS_ATTRIBUTED_COMPUTE": float(query.attributed)})
        return min(total, decimal_of(compute))  # rounding errors add up

    def meter_warehouse(self, warehouse, hour, attributed):
        seconds, compute = warehouse.hours[hour]
        cloud = Decimal(warehouse.cloud[hour])
        if not seconds and not cloud:
            return
        compute = decimal_of(compute)
        is_early = self.account.dice("early", warehouse.number, hour).random() < EARLY
        seen = (attributed or Decimal(0)) if is_early else compute
        row = self.usage.add("WAREHOUSE_METERING_HISTORY", hour, {
            "START_TIME": hour, "END_TIME": hour + HOUR, "WAREHOUSE_ID": warehouse.number,
            "WAREHOUSE_NAME": warehouse.name, "CREDITS_USED": seen, "CREDITS_USED_COMPUTE": seen,
            "CREDITS_USED_CLOUD_SERVICES": Decimal(0), "CREDITS_ATTRIBUTED_COMPUTE_QUERIES": attributed},
            happened=hour + HOUR)
        row.correct(max(row.versions[0][0], hour + HOUR + CLOUD_DELAY * 0.9), CREDITS_USED=compute + cloud,
                    CREDITS_USED_COMPUTE=compute, CREDITS_USED_CLOUD_SERVICES=cloud)
        self.meter(hour, "WAREHOUSE_METERING", compute, cloud, ENTITY_ID=warehouse.number,
                   ENTITY_TYPE="WAREHOUSE", NAME=warehouse.name)

    def meter(self, hour, service, compute, cloud=Decimal(0), delay=CLOUD_DELAY, **more):
        """Adds a row of a service; its credits for cloud services follow later."""
        row = self.usage.add("METERING_HISTORY", hour, {
            "SERVICE_TYPE": service, "START_TIME": hour, "END_TIME": hour + HOUR,
            "CREDITS_USED_COMPUTE": compute, "CREDITS_USED_CLOUD_SERVICES": Decimal(0),
            "CREDITS_USED": compute} | more, happened=hour + HOUR)
        if cloud:
            row.correct(max(row.versions[0][0], hour + HOUR + delay * 0.9),
                        CREDITS_USED_CLOUD_SERVICES=cloud, CREDITS_USED=compute + cloud)
        day = self.days[hour // DAY * DAY, service]
        day[0], day[1] = day[0] + compute, day[1] + cloud

    def other_services(self, hour):
        cloud = Decimal(self.cloud.pop(hour, 0))
        if cloud:
            self.meter(hour, "CLOUD_SERVICES", Decimal(0), cloud, ENTITY_TYPE="ACCOUNT")
        dice = self.account.dice("services", hour)
        times = {"START_TIME": hour, "END_TIME": hour + HOUR}
        table = {"DATABASE_ID": 12, "DATABASE_NAME": "ANALYTICS", "SCHEMA_ID": 120, "SCHEMA_NAME": "MARTS"}
        place = times | table
        if dice.random() < 0.5:
            size, rows, used = dice.randrange(1 << 30), dice.randrange(10**6), self.dice_credits(dice, 0.4)
            self.usage.add("AUTOMATIC_CLUSTERING_HISTORY", hour, place | {
                "TABLE_ID": 120_1, "TABLE_NAME": "ORDERS", "CREDITS_USED": used,
                "NUM_BYTES_RECLUSTERED": size, "NUM_ROWS_RECLUSTERED": rows}, happened=hour + HOUR)
            self.meter(hour, "AUTO_CLUSTERING", used, BYTES=size, ROWS=rows, ENTITY_TYPE="TABLE",
                       NAME="ORDERS")
        if dice.random() < 0.3:
            used = self.dice_credits(dice, 0.1)
            self.usage.add("SEARCH_OPTIMIZATION_HISTORY", hour, place | {
                "BASE_TABLE_ID": 120_1, "BASE_TABLE_NAME": "ORDERS", "CREDITS_USED": used},
                happened=hour + HOUR)
            self.meter(hour, "SEARCH_OPTIMIZATION", used, ENTITY_TYPE="TABLE", NAME="ORDERS")
        used = self.dice_credits(dice, 0.05)
        self.usage.add("MATERIALIZED_VIEW_REFRESH_HISTORY", hour, place | {
            "TABLE_ID": 120_2, "TABLE_NAME": "DAILY_SALES", "CREDITS_USED": f"{used}"}, happened=hour + HOUR)
        self.meter(hour, "MATERIALIZED_VIEW", used, ENTITY_TYPE="TABLE", NAME="DAILY_SALES")
        self.meter(hour, "SNOWPIPE_STREAMING", self.dice_credits(dice, 0.02), BYTES=dice.randrange(1 << 24),
                   ROWS=dice.randrange(10**5), NAME=f"client {hour}", ENTITY_TYPE="TABLE")
        self.usage.add("DATA_TRANSFER_HISTORY", hour, times | {
            "SOURCE_CLOUD": "AWS", "SOURCE_REGION": "eu-central-1", "TARGET_CLOUD": "AZURE",
            "TARGET_REGION": None, "BYTES_TRANSFERRED": dice.randrange(1 << 32), "TRANSFER_TYPE": "COPY"},
            happened=hour + HOUR)

    @staticmethod
    def dice_credits(dice, most):
        return decimal_of(dice.uniform(0, most))

    # Days

    def day(self, now):
        day = int(now) - DAY
        services = {service: values for (when, service), values in self.days.items() if when == day}
        warehouses = services.get("WAREHOUSE_METERING", (Decimal(0), Decimal(0)))[0]
        cloud = sum((each[1] for each in services.values()), Decimal(0))
        free = min(cloud, warehouses / 10)  # cloud services are free up to a tenth of the day's credits for warehouses
        for service, (compute, used) in sorted(services.items()):
            adjustment = decimal_of(-free * used / cloud) if cloud else Decimal(0)
            row = self.usage.add("METERING_DAILY_HISTORY", day, {
                "SERVICE_TYPE": service, "USAGE_DATE": day, "CREDITS_USED_COMPUTE": compute,
                "CREDITS_USED_CLOUD_SERVICES": used, "CREDITS_USED": compute + used,
                "CREDITS_ADJUSTMENT_CLOUD_SERVICES": Decimal(0), "CREDITS_BILLED": compute + used},
                happened=now)
            row.correct(row.versions[0][0] + HOUR, CREDITS_ADJUSTMENT_CLOUD_SERVICES=adjustment,
                        CREDITS_BILLED=compute + used + adjustment)
            self.charge(day, now, service, compute + used + adjustment)
        self.money(day, now)
        self.storage(day, now)

    def charge(self, day, now, service, credits):
        """Adds the cost of the credits, and a rebate when the month is closed."""
        amount = (credits * PRICE).quantize(Decimal("0.01"))
        common = ORGANIZATION | ACCOUNT | {
            "USAGE_DATE": day, "USAGE_TYPE": "compute", "USAGE": round(credits, 3), "RATING_TYPE": "compute",
            "SERVICE_TYPE": service}
        self.usage.add("USAGE_IN_CURRENCY_DAILY", day, common | {
            "USAGE_IN_CURRENCY": amount, "BILLING_TYPE": "consumption", "BALANCE_SOURCE": "capacity",
            "IS_ADJUSTMENT": False}, happened=now)
        rebate = -(amount / 20).quantize(Decimal("0.01"))
        if rebate:
            self.usage.add("USAGE_IN_CURRENCY_DAILY", day, common | {
                "USAGE_IN_CURRENCY": rebate, "BILLING_TYPE": "rebate", "BALANCE_SOURCE": "rebate",
                "IS_ADJUSTMENT": True}, seen=now + 10 * DAY)
        self.balance -= amount

    def money(self, day, now):
        for service in sorted({service for when, service in self.days if when == day}):
            self.usage.add("RATE_SHEET_DAILY", day, ORGANIZATION | ACCOUNT | {
                "DATE": day, "USAGE_TYPE": "compute", "EFFECTIVE_RATE": PRICE, "SERVICE_TYPE": service,
                "RATING_TYPE": "compute", "BILLING_TYPE": "consumption", "IS_ADJUSTMENT": False},
                happened=now)
        self.usage.add("REMAINING_BALANCE_DAILY", day, ORGANIZATION | {
            "DATE": day, "CURRENCY": CURRENCY, "FREE_USAGE_BALANCE": Decimal(0),
            "CAPACITY_BALANCE": self.balance, "ON_DEMAND_CONSUMPTION_BALANCE": Decimal("-12.50"),
            "ROLLOVER_BALANCE": Decimal(0)}, happened=now)
        used = sum((sum(values) for (when, _), values in self.days.items() if when == day), Decimal(0))
        self.usage.add("ANOMALIES_DAILY", day, {
            "DATE": day, "ANOMALY_ID": f"anomaly-{day}", "IS_ANOMALY": used > 200, "ACTUAL_VALUE": used,
            "FORECASTED_VALUE": Decimal(150), "UPPER_BOUND": Decimal(200), "LOWER_BOUND": Decimal(100)},
            happened=now)

    def storage(self, day, now):
        dice, total = self.account.dice("storage", day), 0
        for database in self.account.databases:
            if database.origin:
                continue
            database.size += dice.randrange(1 << 32)
            total += database.size
            self.usage.add("DATABASE_STORAGE_USAGE_HISTORY", day, {
                "USAGE_DATE": day, "DATABASE_ID": database.number, "DATABASE_NAME": database.name,
                "DELETED": None, "AVERAGE_DATABASE_BYTES": float(database.size),
                "AVERAGE_FAILSAFE_BYTES": float(database.size // 10),
                "AVERAGE_HYBRID_TABLE_STORAGE_BYTES": 0.0}, happened=now)
        for number, name in DROPPED.items():
            self.usage.add("DATABASE_STORAGE_USAGE_HISTORY", day, {
                "USAGE_DATE": day, "DATABASE_ID": number, "DATABASE_NAME": name,
                "DELETED": self.account.began - DAY, "AVERAGE_DATABASE_BYTES": float(number << 20),
                "AVERAGE_FAILSAFE_BYTES": float(number << 24), "AVERAGE_HYBRID_TABLE_STORAGE_BYTES": 0.0},
                happened=now)
        stage = dice.randrange(1 << 36)
        self.usage.add("STAGE_STORAGE_USAGE_HISTORY", day, {"USAGE_DATE": day, "AVERAGE_STAGE_BYTES": stage},
                       happened=now)
        self.usage.add("STORAGE_USAGE", day, {
            "USAGE_DATE": day, "STORAGE_BYTES": total, "STAGE_BYTES": stage, "FAILSAFE_BYTES": total // 10,
            "HYBRID_TABLE_STORAGE_BYTES": 0}, happened=now)
