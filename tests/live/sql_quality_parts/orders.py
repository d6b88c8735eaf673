"""A table of orders with faults, which are counted when they are made."""

import datetime
import random
import zoneinfo

ZONE = zoneinfo.ZoneInfo("Europe/Berlin")
STEP = datetime.timedelta(minutes=10)
COLUMNS = ("order_id", "line", "customer_id", "email", "status", "amount", "created_at", "loaded_at")
TYPES = {
    "postgresql": "bigserial, int, int, text, text, numeric(12,2), timestamptz, timestamptz",
    "mariadb": "int, int, int, varchar(80), varchar(20), decimal(12,2), datetime(6), datetime(6)",
    "sqlite": "integer, integer, integer, text, text, numeric, text, text",
}


# Types as the drivers name them. One of them is wrong, and one column does not exist.
DESCRIBED = {
    "postgresql": "order_id: int8, email: text, amount: NUMERIC, created_at: timestamptz, line: text, colour: text",
    "mariadb": "order_id: integer, email: varchar, amount: DECIMAL, created_at: datetime, line: text, colour: text",
    "sqlite": "order_id: integer, email: text, amount: NUMERIC, created_at: text, line: text, colour: text",
}


def make_rows(now, seed):
    """Rows of 36 days, one every ten minutes, half a step after whole ones. Two of three rows are missing
    in the last full hours of the weekday of `now`, so that the volume is low."""
    chance = random.Random(seed)
    rows = []
    for number in range(36 * 24 * 6):
        created = now - STEP * number - STEP / 2
        if created > now - datetime.timedelta(hours=3) and number % 3:
            continue
        rows.append({
            "order_id": number, "line": 1,
            "customer_id": None if chance.random() < 0.05 else number,
            "email": None if chance.random() < 0.5 else f"{number}@example.org",
            "status": chance.choice(["paid", "open", "sent", "sent", "it's\\odd", "lost", None]),
            "amount": chance.choice([-0.01, 0, 1, 9999.99, 10000, 10000.01, None]),
            "created_at": created,
            "loaded_at": created + datetime.timedelta(seconds=chance.choice([1, 60, 86400, 86401, 90000])),
        })  # fmt: skip
    rows += [dict(row) for row in chance.sample(rows[:120], 7)]
    rows += [dict(rows[0], line=2)]
    rows.append(dict(rows[0], order_id=-1, created_at=datetime.datetime(2099, 1, 1, tzinfo=datetime.timezone.utc)))
    rows.append(dict(rows[0], order_id=-2, created_at=now + datetime.timedelta(minutes=20)))
    rows.append(dict(rows[0], order_id=-3, created_at=None))
    return rows


def is_customer(number):
    return number % 7 != 0


def customers(rows):
    """The customers of the rows, some of them twice, and one without a number."""
    numbers = sorted({row["customer_id"] for row in rows if row["customer_id"] is not None})
    known = [number for number in numbers if is_customer(number)]
    return [*known, *known[:100], None]


def literal(value, dialect):
    if value is None:
        return "NULL"
    if isinstance(value, datetime.datetime):
        return f"'{value.astimezone(datetime.timezone.utc):%Y-%m-%d %H:%M:%S.%f}{'+00' if dialect == 'postgresql' else ''}'"
    if isinstance(value, str):
        text = value.replace("'", "''")
        return "'" + (text.replace("\\", "\\\\") if dialect == "mariadb" else text) + "'"
    return str(value)


def script(rows, dialect, table="orders"):
    """The SQL that creates the table and its customers."""
    types = TYPES[dialect].split(", ")
    yield f"CREATE TABLE {table} ({', '.join(' '.join(pair) for pair in zip(COLUMNS, types, strict=True))})"
    for start in range(0, len(rows), 500):
        values = ",".join("(" + ",".join(literal(row[name], dialect) for name in COLUMNS) + ")"
                          for row in rows[start : start + 500])  # fmt: skip
        yield f"INSERT INTO {table} VALUES {values}"
    yield "CREATE TABLE customers (id int)"
    for start in range(0, len(numbers := customers(rows)), 500):
        values = ",".join(f"({literal(number, dialect)})" for number in numbers[start : start + 500])
        yield f"INSERT INTO customers VALUES {values}"


def hour_before(now, weeks):
    """The last full local hour, that many weeks before, as instants."""
    local = now.astimezone(ZONE).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    local -= datetime.timedelta(hours=1, weeks=weeks)
    return [(local + datetime.timedelta(hours=h)).replace(tzinfo=ZONE) for h in (0, 1)]


def truth(rows, now):
    """The expected values by metric and labels, without source and dataset."""
    dated = [row for row in rows if row["created_at"]]
    window = [row for row in dated if row["created_at"] >= now - datetime.timedelta(hours=24)]
    ahead = now + datetime.timedelta(minutes=5)

    def count(condition):
        return sum(1 for row in window if condition(row))

    keys = {}
    for row in window:
        keys.setdefault((row["order_id"], row["line"]), []).append(row)

    def in_hour(weeks):
        begin, end = hour_before(now, weeks)
        return sum(1 for row in dated if begin <= row["created_at"] < end)

    weeks = sorted(in_hour(week) for week in range(1, 5))
    failing = {
        ("not_null", "customer_id"): count(lambda row: row["customer_id"] is None),
        ("not_null", "email"): count(lambda row: row["email"] is None),
        ("accepted", "status"): count(lambda row: row["status"] not in (None, "paid", "open", "it's\\odd")),
        ("range", "amount"): count(lambda row: row["amount"] is not None and not 0 <= row["amount"] <= 10000),
        ("rows_where", "sent_for_nothing"): count(lambda row: row["status"] == "sent" and row["amount"] == 0),
        ("late", "loaded_at"): count(lambda row: (row["loaded_at"] - row["created_at"]).total_seconds() > 86400),
        ("future", "created_at"): sum(1 for row in dated if row["created_at"] > ahead),
        ("references", "customer_id"): count(
            lambda row: row["customer_id"] is not None and not is_customer(row["customer_id"])),
        ("key", "order_id, line"): sum(len(same) - 1 for same in keys.values()),
    }
    return {
        ("sql_quality_rows", "1d"): len(window),
        ("sql_quality_table_empty",): 0,
        **{("sql_quality_failing_rows", *labels): number for labels, number in failing.items()},
        ("sql_quality_newest_timestamp_seconds", "event"):
            max(row["created_at"] for row in dated if row["created_at"] <= ahead).timestamp(),
        ("sql_quality_newest_timestamp_seconds", "loaded"):
            max(row["loaded_at"] for row in rows if row["loaded_at"] <= ahead).timestamp(),
        ("sql_quality_period_rows",): in_hour(0),
        ("sql_quality_period_rows_baseline",): (weeks[1] + weeks[2]) / 2,
        ("sql_quality_columns",): len(COLUMNS),
        ("sql_quality_columns_missing", "", "warning"): 2,  # one has another type, one does not exist
    }  # fmt: skip
