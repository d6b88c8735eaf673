"""The answers to the exporter's statements, computed from the rows without their SQL.

A statement is identified by its name in the query tag. Columns: L_* are labels, N_* a name beside an id, B
the start of the bucket, V_* what it adds to a counter, LE_* cumulative counts, G_* gauges, NEWEST the last
event.
"""

import datetime
import re
from typing import NamedTuple

from snowflake_fake.protocol import Refusal, Table, column_of

APPLICATION = "snowflake_exporter"
BOUND = re.compile(r"TO_TIMESTAMP_LTZ\(\s*(\d+)\s*\)", re.IGNORECASE)
DATE_BOUND = re.compile(r"TO_DATE\(\s*'(\d{4}-\d\d-\d\d)'\s*\)", re.IGNORECASE)
KEYS = re.compile(r"VALUES ((?:\('[\w.:-]+'\)(?:, )?)+)")
RESULT = re.compile(r"\('([0-9a-f-]{36})', '([\w.-]+)', '([\w.-]*)'\)")
END = float("inf")


class Request(NamedTuple):
    """The contents of a statement's text: its bounds in seconds since 1970, of which `high` is excluded,
    the keys of query tags that it selects, and dbt's results: nodes and targets by query id."""

    now: float
    low: float
    high: float
    keys: tuple = ("team",)
    results: dict = {}


def read_request(text, now):
    bounds = [int(bound) for bound in BOUND.findall(text)]
    bounds += [int(datetime.datetime.fromisoformat(date + "T00:00:00+00:00").timestamp())
               for date in DATE_BOUND.findall(text)]
    results = {query: (node, target) for query, node, target in RESULT.findall(text)}
    request = Request(now, bounds[0] if bounds else 0, bounds[1] if len(bounds) > 1 else END, results=results)
    keys = KEYS.search(text)
    return request._replace(keys=tuple(re.findall(r"'(.+?)'", keys[1]))) if keys else request


# Values of a group of rows

def total(name):
    return lambda rows: sum(number(row.get(name)) for row in rows)


def number(value):
    """A column as a number: NULL is 0, and credits in text columns are read as FLOAT."""
    return float(value) if isinstance(value, str) else value or 0


def count(rows):
    return len(rows)


def count_if(test):
    return lambda rows: sum(map(bool, map(test, rows)))


def at_most(measure, bound):
    """Counts the rows whose measure is at most `bound`; rows without the measure do not count."""
    return count_if(lambda row: measure(row) is not None and measure(row) <= bound)


# Measures and labels of a row

def seconds(first, last):
    """The whole seconds between two times as DATEDIFF counts them; None if one is missing."""
    def measure(row):
        return None if None in (row.get(first), row.get(last)) else int(row[last]) - int(row[first])
    return measure


def milliseconds(first, last):
    def measure(row):
        return None if None in (row.get(first), row.get(last)) else (
            round(row[last] * 1000) - round(row[first] * 1000))
    return measure


def sum_of(measure):
    """Adds the measure of the rows; negative and missing ones count as 0."""
    return lambda rows: sum(max(measure(row) or 0, 0) for row in rows)


def label(name):
    return lambda row: row.get(name) or ""


def lower(name):
    return lambda row: (row.get(name) or "").lower()


def dataset(*names):
    """database.schema.table in lower case, the form of the label `dataset`."""
    return lambda row: ".".join(row.get(name) or "" for name in names).lower()


def label_if(test, labelled):
    """The label if the test passes; otherwise empty."""
    return lambda row: labelled(row) if test(row) else ""


def last_name(name):
    return lambda rows: max((row.get(name) or "" for row in rows), default="")


def newest(name):
    return lambda rows: max(int(row[name]) for row in rows)


class Counters(NamedTuple):
    """A statement that groups rows by labels and buckets of `width` seconds."""

    view: str
    time: str  # the column for the bounds; the rows of the view are sorted by it
    width: int
    labels: dict
    values: dict
    where: object = None
    joined: object = None  # adds columns of another view to the rows

    def rows(self, usage, request):
        """The rows within the bounds. A row that has not ended has no time yet."""
        found = usage.visible(self.view, request.now, request.low, request.high)
        found = [row for row in found if row.get(self.time) is not None
                 and (self.where is None or self.where(row))]
        return self.joined(found, usage, request) if self.joined else found

    def groups(self, usage, request):
        """The rows by labels and bucket."""
        found = {}
        for row in self.rows(usage, request):
            bucket = int(row[self.time] // self.width * self.width)
            key = (*(label(row) for label in self.labels.values()), bucket)
            found.setdefault(key, []).append(row)
        return found

    def answer(self, usage, request):
        names = [*self.labels, "B", *self.values]
        rows = [[*key, *(value(group) for value in self.values.values())]
                for key, group in self.groups(usage, request).items()]
        return table(names, rows)

    def sums(self, usage, request):
        """The sums of all buckets by labels: what counters must show."""
        sums = {}
        for key, group in self.groups(usage, request).items():
            one = sums.setdefault(key[:-1], dict.fromkeys(self.adding(), 0))
            for name in one:
                one[name] += self.values[name](group) or 0
        return [dict(zip(self.labels, key)) | one for key, one in sums.items()]

    def adding(self):
        return [name for name in self.values if name.startswith(("V_", "LE_"))]


class Gauges(NamedTuple):
    """A statement about the current state: `compute` makes its rows from those of the view."""

    view: str
    names: tuple
    compute: object

    def answer(self, usage, request):
        return table(self.names, self.compute(usage.visible(self.view, request.now), request))


def table(names, rows):
    columns = [column_of(name, values) for name, values in
               zip(names, zip(*rows) if rows else ((),) * len(names))]
    return Table(columns, rows)


def answer(statements, name, usage, text, now):
    """The answer to the statement of that name. Raises Refusal."""
    known = statements.get(name)
    if known is None:
        raise Refusal(422, "001003", f"SQL compilation error:\nthe fake has no answer for '{name}'.", "42000")
    if not re.search(rf"\b{known.view}\b", text, re.IGNORECASE):
        raise Refusal(422, "000904", f"SQL compilation error:\nthe fake answers '{name}' from {known.view}, "
                                     "which the statement does not name.", "42000")
    if isinstance(known, Counters) and not (BOUND.search(text) or DATE_BOUND.search(text)):
        raise Refusal(422, "001003", f"SQL compilation error:\n'{name}' has no bounds.", "42000")
    return known.answer(usage, read_request(text, now))
