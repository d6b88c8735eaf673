"""The views of ACCOUNT_USAGE and ORGANIZATION_USAGE: rows that are seen late, and are corrected later.

Times are seconds since the epoch, and so are dates (of their midnight, UTC); credits are decimals.
"""

import bisect
import pathlib
import zlib
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

NINE = Decimal("0.000000001")
# Which database role of SNOWFLAKE reads what. What is in no role's list needs imported privileges.
READERS = {
    "USAGE_VIEWER": (
        "WAREHOUSE_METERING_HISTORY METERING_HISTORY METERING_DAILY_HISTORY WAREHOUSE_LOAD_HISTORY "
        "WAREHOUSE_EVENTS_HISTORY STORAGE_USAGE DATABASE_STORAGE_USAGE_HISTORY STAGE_STORAGE_USAGE_HISTORY "
        "TABLE_STORAGE_METRICS PIPE_USAGE_HISTORY COPY_HISTORY TASK_HISTORY SERVERLESS_TASK_HISTORY "
        "DYNAMIC_TABLE_REFRESH_HISTORY AUTOMATIC_CLUSTERING_HISTORY MATERIALIZED_VIEW_REFRESH_HISTORY "
        "SEARCH_OPTIMIZATION_HISTORY REPLICATION_GROUP_REFRESH_HISTORY REPLICATION_GROUP_USAGE_HISTORY "
        "DATA_TRANSFER_HISTORY ANOMALIES_DAILY QUERY_ATTRIBUTION_HISTORY QUERY_METERING_HISTORY").split(),
    "GOVERNANCE_VIEWER": "QUERY_HISTORY QUERY_ATTRIBUTION_HISTORY QUERY_METERING_HISTORY".split(),
    "SECURITY_VIEWER": "LOGIN_HISTORY SESSIONS CREDENTIALS".split(),
    "OBJECT_VIEWER": "TABLES RESOURCE_MONITORS".split(),
    "ORGANIZATION_BILLING_VIEWER": "USAGE_IN_CURRENCY_DAILY REMAINING_BALANCE_DAILY RATE_SHEET_DAILY".split(),
}


class Layout(NamedTuple):
    """What a view or a SHOW command has: its documented delay in seconds, and types by column."""

    delay: float
    columns: dict


def read_layouts(text):
    """By name; a view's is without its schema."""
    found = {}
    for paragraph in text.split("\n\n")[1:]:
        head, *lines = paragraph.splitlines()
        name, minutes = head.rsplit(", ", 1)
        columns = dict(each.split(":") for line in lines for each in line.split())
        found[name.rpartition(".")[2]] = Layout(60.0 * int(minutes), columns)
    return found


LAYOUTS = read_layouts(pathlib.Path(__file__).with_name("columns.txt").read_text(encoding="utf-8"))
TIMES = {name for layout in LAYOUTS.values() for name, kind in layout.columns.items()
         if kind.startswith("TIMESTAMP")}


def in_milliseconds(values):
    """Times as they are stored: no column of the account has finer ones."""
    return values | {name: round(values[name], 3) for name in TIMES.intersection(values)
                     if isinstance(values[name], float)}


def decimal_of(value):
    """With nine decimals, as the views have credits."""
    fraction = Fraction(value)
    return (Decimal(fraction.numerator) / Decimal(fraction.denominator)).quantize(NINE)


class Row:
    """One row of a view and what becomes of it: each version is seen from its time on."""

    __slots__ = ("time", "versions")

    def __init__(self, time, seen, values):
        self.time, self.versions = time, [(seen, values)]

    def correct(self, seen, **changes):
        """From that time on the row has other values."""
        self.versions.append((seen, self.versions[-1][1] | in_milliseconds(changes)))

    def at(self, now):
        """The values that are seen, if any are."""
        return next((values for seen, values in reversed(self.versions) if seen <= now), None)


class Usage:
    """All rows by view, in the order of the time by which a statement asks for them."""

    def __init__(self, seed):
        self.seed = seed
        self.rows = {name: [] for name in LAYOUTS if not name.startswith("SHOW")}

    def seen(self, view, happened):
        """When what happened then is seen, at the latest after the documented delay.

        It follows from the view and the time alone, so that what is asked changes nothing of it.
        """
        share = zlib.crc32(f"{self.seed}/{view}/{happened:.3f}".encode()) / 0xFFFFFFFF
        return happened + LAYOUTS[view].delay * (0.4 + 0.6 * share)

    def add(self, view, time, values, happened=None, seen=None):
        """A new row: `time` is what it is asked for by, `happened` when it became known to Snowflake."""
        unknown = values.keys() - LAYOUTS[view].columns.keys()
        if unknown:
            raise KeyError(f"{view} has no {', '.join(sorted(unknown))}")
        if seen is None:
            seen = self.seen(view, time if happened is None else happened)
        row = Row(round(time, 3), seen, in_milliseconds(values))
        rows = self.rows[view]
        if rows and row.time < rows[-1].time:
            bisect.insort(rows, row, key=lambda each: each.time)
        else:
            rows.append(row)
        return row

    def visible(self, view, now, low=float("-inf"), high=float("inf")):
        """What is seen of the rows from one time up to another, which is not included."""
        rows = self.rows[view]
        first = bisect.bisect_left(rows, low, key=lambda each: each.time)
        last = bisect.bisect_left(rows, high, key=lambda each: each.time)
        return [values for row in rows[first:last] if (values := row.at(now)) is not None]

    def table(self, view, now):
        """What is seen with all columns, as `SELECT *` has it."""
        empty = dict.fromkeys(LAYOUTS[view].columns)
        return [empty | values for values in self.visible(view, now)]


def readers(view):
    """The database roles of which each reads a view."""
    return {role for role, views in READERS.items() if view in views}
