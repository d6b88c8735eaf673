"""Random rows for the views, with difficult values: NULL where a value is expected, times at the edges of
windows and buckets and a millisecond before, ends before starts, bounds of histograms and one beside them,
quotes and newlines in names, undocumented values of enumerations.

A row is a dictionary by column. Times are milliseconds, dates are days, both since 1970; a VARIANT is the
value of its JSON; a number is an int or a Decimal."""

import csv
import datetime
import decimal
import json
import pathlib
from typing import NamedTuple

DAY = 86_400
NUMBER = decimal.Decimal
EDGES = (0, -1)  # milliseconds from an edge: at it, and just before it
NAMES = ("A", "b c", 'q"\'\n', "É")
BOUNDS = {"TOTAL_ELAPSED_TIME": (0, 100, 500, 1000, 5000, 15_000, 60_000, 300_000, 1_800_000, 7_200_000)}
CHOICES = {
    "QUERY_TYPE": ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "MULTI_TABLE_INSERT", "TRUNCATE_TABLE",
                   "COPY", "UNLOAD", "PUT_FILES", "GET_FILES", "REMOVE_FILES", "LIST_FILES", "CREATE_TABLE",
                   "ALTER_SESSION", "DROP", "RECREATE", "SHOW", "DESCRIBE", "USE", "SET", "UNSET", "CALL",
                   "UNKNOWN", None),
    "QUERY_TEXT": (
        "select 1", "", None, "select 1 /* plain */", "/* plain */ select 1",
        '/* {"app": "dbt", "node_id": "model.shop.front", "target_name": "prod"} */ select 1',
        ' \n/* {"app": "dbt", "node_id": "model.shop.moved"} */ select 1',
        '  /* {"app": "dbt", "node_id": "model.shop.spaces", "target_name": "dev"} */ select 1',
        'select 1 /* {"app": "dbt", "node_id": "model.shop.end", "target_name": "prod"} */',
        'select 1\n/* {"app": "dbt", "node_id": "test.other.end", "target_name": "ci"} */ ;\r\n',
        "select '/* {\"app\": \"dbt\", \"node_id\": \"model.shop.quoted\"} */' as text",
        "select '/* {\"app\": \"dbt\"} */' /* {\"app\": \"dbt\", \"node_id\": \"model.shop.real\"} */",
        "select '/* {\"app\": \"dbt\", \"node_id\": \"model.shop.literal\"} */' /* plain */;",
        '/* {"app": "dbt", "node_id": "model.shop.cut", "target_na',
        '/* {"purpose": "mine"} */ select 1 /* {"app": "dbt", "node_id": "model.shop.second", "target_name": "ci"} */',
        '/* {"app": "dbt", "node_id": "model.shop.first"} */ select 1 /* {"purpose": "mine"} */',
        'select 1 /* {"app": "dbt", "node_id": "internal", "target_name": "prod"} */',
        '/* {"app": "dbt"} */ select 1', 'select 1 /* {"app": "looker"} */', 'select 1 /* {"dag_id": "comment"} */'),
    "QUERY_TAG": ("", None, "plain", '{"dag_id": "json"}', "{'dag_id': 'python', 'task_id': 't'}", '{"app": "cut',
                  '{"app": "dbt", "node_id": "seed.tagged.a", "target_name": "tag", "dag_id": "both"}', '{"app": "x"}',
                  '{"team": "shop", "Cost.center-1": 4711}', "{'team': 'python'}", "4711", '["team"]',
                  '{"team": "", "cost.center-1": "case"}', '{"team": true, "Cost.center-1": false}',
                  '{"team": 1.5, "Cost": {"center-1": "path"}}', '{"team": null, "Cost.center-1": [1]}',
                  '{"team": {"team": "inner"}}', '{"team": "{text"}',
                  '{"team": "[text", "Cost.center-1": "a\\n\'\\"é"}', json.dumps({"team": "é" * 101})),
    "EXECUTION_STATUS": ("success", "SUCCESS", "fail", "incident"),
    "ERROR_MESSAGE": (None, None, "SQL execution canceled", "boom"),
    "SERVICE_TYPE": ("WAREHOUSE_METERING", "PIPE", "NEW_ONE", None),
    "EVENT_NAME": ("RESUME_WAREHOUSE", "SUSPEND_CLUSTER", "WAREHOUSE_CONSISTENT"),
    "EVENT_REASON": ("WAREHOUSE_AUTORESUME", "Other", None),
    "EVENT_STATE": ("STARTED", "COMPLETED"),
    "IS_SUCCESS": ("YES", "NO"),
    "REPORTED_CLIENT_TYPE": ("JDBC_DRIVER", "anything\n", None),
    "FIRST_AUTHENTICATION_FACTOR": ("PASSWORD", "password", "RSA_KEYPAIR", None),
    "SECOND_AUTHENTICATION_FACTOR": ("DUO_PUSH", None),
    "ERROR_CODE": (390100, 390144, None),
    "STATUS": ("Loaded", "LOADED", "Load failed", "Partially loaded", "Load skipped"),
    "CREDENTIALS.STATUS": ("ACTIVE", "EXPIRED", "DISABLED"),
    "STATE": ("SUCCEEDED", "FAILED", "FAILED_AND_AUTO_SUSPENDED", "UPSTREAM_FAILED", "CANCELLED", "SKIPPED"),
    "ALERT_HISTORY.STATE": ("CONDITION_FALSE", "CONDITION_FAILED", "TRIGGERED"),
    "REFRESH_ACTION": ("NO_DATA", "FULL", None),
    "ATTEMPT_NUMBER": (1, 1, 2, 3, None),
    "PHASE_NAME": ("COMPLETED", "FAILED", "CANCELED", "SECONDARY_COMMITTING"),
    "TABLE_TYPE": ("BASE TABLE", "BASE TABLE", "VIEW", "EXTERNAL TABLE"),
    "TYPE": ("PASSKEY", "PAT", "TOTP", "AWS", "AZURE", "GCP", "OIDC", "KEYPAIR"),
    "LOCK_TYPE": ("TABLE", "ROW"),
    "CURRENCY": ("USD", "EUR", None),
    "CONTRACT_NUMBER": (*map(str, range(20)), None),
    "SOURCE_CLOUD": ("AWS", None),
    "SOURCE_REGION": ("eu-1", None),
    "TARGET_CLOUD": ("AZURE", None),
    "TARGET_REGION": ("us-2", None),
    "TRANSFER_TYPE": ("COPY", None),
    "EFFECTIVE_RATE": (*map(NUMBER, ("2.5", "3.1", "4")),),
    "USAGE_IN_CURRENCY": (*map(NUMBER, ("-50.25", "-0.01", "0", "0.01", "200", "31.5")), None),
    "CREDITS_ADJUSTMENT_CLOUD_SERVICES": (*map(NUMBER, ("-2.5", "-0.000000001", "0", "1.5")), None, None, None),
    "CREDITS_BILLED": (*map(NUMBER, ("-1", "0", "12.25")), None, None),
    "PIPE_ID": tuple(range(6)),
    "DATABASE_ID": tuple(range(120)),
    "ANOMALY_ID": ("a", "b", "c"),
}  # fmt: skip
# Intervals of rows in seconds; most of them are aligned.
INTERVALS = {"WAREHOUSE_METERING_HISTORY": 3600, "METERING_HISTORY": 3600, "WAREHOUSE_LOAD_HISTORY": 300}
# Values that must be unique, because otherwise no row would be the newest.
UNIQUE = {
    "STORAGE_USAGE": ("USAGE_DATE",),
    "DATABASE_STORAGE_USAGE_HISTORY": ("DATABASE_ID", "USAGE_DATE"),
    "ANOMALIES_DAILY": ("DATE", "ANOMALY_ID"),
    "QUERY_HISTORY": ("QUERY_ID",),
    "QUERY_ATTRIBUTION_HISTORY": ("QUERY_ID",),
    "REMAINING_BALANCE_DAILY": ("CONTRACT_NUMBER", "CURRENCY", "DATE"),
}
# Columns that identify a row and are never NULL.
ALWAYS = {"QUERY_ID", "PIPE_ID", "DATABASE_ID", "EFFECTIVE_RATE", "ANOMALY_ID"}


class Column(NamedTuple):
    name: str
    type: str
    can_be_null: bool


def read_columns(path):
    """The columns of each view."""
    views = {}
    with pathlib.Path(path).open(newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            column = Column(row["column"], row["type"], row["nullable"] == "yes")
            views.setdefault(row["view"], []).append(column)
    return views


def days_of(text):
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


class Maker:
    """Makes the rows of a view for the statements that read it."""

    def __init__(self, random, view, columns, statements, now):
        self.random, self.view, self.columns = random, view.partition(".")[2], columns
        windows = [statement.window for statement in statements]
        self.edges = sorted({now, now - 2 * DAY, *(bound for window in windows for bound in window.seconds)})
        self.days = sorted({now // DAY, *(days_of(day) for window in windows for day in window.days)})
        # Buckets that many rows share; otherwise most sums would have one row.
        self.hot = [random.uniform(self.edges[0], now) // 300 * 300 for _ in range(8)]

    def rows(self, count):
        made, known = [], set()
        for _ in range(count):
            row = {column.name: self.value(column) for column in self.columns}
            self.relate(row)
            key = tuple(row[name] for name in UNIQUE.get(self.view, ()))
            if key and key in known:
                continue
            known.add(key)
            made.append(row)
        return made

    def value(self, column):
        chance = 0.5 if column.type == "TIMESTAMP_LTZ" else 0.25
        if self.can_be_null(column) and self.random.random() < chance:
            return None
        for name in (f"{self.view}.{column.name}", column.name):
            if name in CHOICES:
                return self.random.choice(CHOICES[name])
        if column.name == "QUERY_ID":  # some ids exist in only one view
            return f"01b2c3d4-0000-abcd-0000-{self.random.randrange(4000):012}"
        if column.name in BOUNDS:
            return self.random.choice(BOUNDS[column.name]) + self.random.choice((0, 1))
        return self.value_of_type(column)

    def can_be_null(self, column):
        if column.name in ALWAYS or column.type == "DATE" or self.is_of_interval(column):
            return False
        return column.can_be_null or column.type != "TIMESTAMP_LTZ" and column.name not in CHOICES

    def is_of_interval(self, column):
        return self.view in INTERVALS and column.type == "TIMESTAMP_LTZ"

    def value_of_type(self, column):
        kind, random = column.type, self.random
        if kind == "TIMESTAMP_LTZ":
            return self.time()
        if kind == "DATE":
            return random.choice(self.days) + random.choice((0, random.randrange(-3, 4)))
        if kind == "NUMBER(38,9)" or column.name == "CREDITS_USED":
            amount = decimal.Decimal(random.randrange(10**10)).scaleb(-9)
            return str(amount) if kind == "VARCHAR" else amount
        if kind == "NUMBER(38,2)":
            return decimal.Decimal(random.randrange(-(10**6), 10**6)).scaleb(-2)
        if kind in ("NUMBER", "VARIANT"):
            return random.choice((0, random.randrange(1000), random.randrange(10**9)))
        if kind == "FLOAT":
            return random.choice((0.0, random.randrange(10**6) / 1024))
        if kind == "BOOLEAN":
            return random.random() < 0.5
        # Some names occur in one row, so that a sum may be of NULL only.
        return f"only {random.random()}" if random.random() < 0.1 else random.choice(NAMES)

    def time(self):
        random, chance = self.random, self.random.random()
        if chance < 0.2:
            return random.choice(self.edges) * 1000 + random.choice(EDGES)
        if chance < 0.4:
            return int(random.choice(self.hot) + random.choice((0, 300, 3600))) * 1000 + random.choice(EDGES)
        if chance < 0.9:
            return int(random.choice(self.hot) * 1000) + random.randrange(300_000)
        low, high = self.edges[0], self.edges[-1]
        return int(random.uniform(low - (high - low) / 4, high + (high - low) / 4) * 1000)

    def relate(self, row):
        """Makes related columns of a row consistent."""
        if step := INTERVALS.get(self.view):
            if self.random.random() < 0.8:
                row["START_TIME"] = row["START_TIME"] // 1000 // step * step * 1000
            row["END_TIME"] = row["START_TIME"] + step * 1000
        if self.view == "COPY_HISTORY" and row["PIPE_RECEIVED_TIME"] is not None:
            seconds = self.random.choice((-5, 0, 59, 60, 61, 300, 301, 1800, 1801, 9000))
            row["PIPE_RECEIVED_TIME"] = row["LAST_LOAD_TIME"] - seconds * 1000 - self.random.choice((0, 1))
        if self.view == "CREDENTIALS" and row["EXPIRATION_DATE"] is not None and self.random.random() < 0.6:
            row["EXPIRATION_DATE"] = self.edges[-1] * 1000 + self.random.randrange(60 * DAY * 1000)
        if self.view == "TABLE_STORAGE_METRICS" and self.random.random() < 0.3:
            for name in row:
                row[name] = 0 if name.endswith("_BYTES") else row[name]
