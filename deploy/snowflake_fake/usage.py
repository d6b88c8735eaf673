"""The views of ACCOUNT_USAGE and ORGANIZATION_USAGE: rows that become visible late and are corrected later.

Times are seconds since 1970, and so are dates (their midnight in UTC); credits are decimals.
"""

import bisect
import pathlib
import zlib
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

NINE = Decimal("0.000000001")
# The views of each database role of SNOWFLAKE. Views in no list need imported privileges.
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
    """The documented delay of a view in seconds, and the columns with types of a view or a SHOW command."""

    delay: float
    columns: dict


def read_layouts(text):
    """The layouts by name; the names of views are without their schema."""
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
    """Times as they are stored: all columns have milliseconds at most."""
    return values | {name: round(values[name], 3) for name in TIMES.intersection(values)
                     if isinstance(values[name], float)}


def decimal_of(value):
    """Rounded to nine decimals, as credits in the views."""
    fraction = Fraction(value)
    return (Decimal(fraction.numerator) / Decimal(fraction.denominator)).quantize(NINE)


class Row:
    """A row of a view with its versions, each of which is visible from its time on."""

    __slots__ = ("time", "versions")

    def __init__(self, time, seen, values):
        self.time, self.versions = time, [(seen, values)]

    def correct(self, seen, **changes):
        """Changes values of the row from that time on."""
        self.versions.append((seen, self.versions[-1][1] | in_milliseconds(changes)))

    def at(self, now):
        """The visible values at that time, if any."""
        return next((values for seen, values in reversed(self.versions) if seen <= now), None)


class Usage:
    """All rows by view, sorted by the time in the bounds of statements."""

    def __init__(self, seed):
        self.seed = seed
        self.rows = {name: [] for name in LAYOUTS if not name.startswith("SHOW")}

    def seen(self, view, happened):
        """The time from which an event is visible, at most the documented delay later.

        It depends only on the view and the time, so that requests do not change it.
        """
        share = zlib.crc32(f"{self.seed}/{view}/{happened:.3f}".encode()) / 0xFFFFFFFF
        return happened + LAYOUTS[view].delay * (0.4 + 0.6 * share)

    def add(self, view, time, values, happened=None, seen=None):
        """Adds a row: `time` is the time in the bounds of statements, `happened` when Snowflake knew the event."""
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
        """The visible values of the rows from `low` until before `high`."""
        rows = self.rows[view]
        first = bisect.bisect_left(rows, low, key=lambda each: each.time)
        last = bisect.bisect_left(rows, high, key=lambda each: each.time)
        return [values for row in rows[first:last] if (values := row.at(now)) is not None]

    def table(self, view, now):
        """The visible values with all columns, as `SELECT *` returns them."""
        empty = dict.fromkeys(LAYOUTS[view].columns)
        return [empty | values for values in self.visible(view, now)]


def readers(view):
    """The database roles that can read the view."""
    return {role for role, views in READERS.items() if view in views}
