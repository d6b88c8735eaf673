"""The formats of the SQL API: tables, cells, answers and errors."""

import decimal
import json
from typing import NamedTuple

from fake_server import Reply

TEXT_LENGTH = 16777216


class Column(NamedTuple):
    """A column of a result; `scale` is the number of decimals."""

    name: str
    type: str
    precision: int | None = None
    scale: int | None = None

    def row_type(self):
        length = TEXT_LENGTH if self.type == "text" else None
        return {"name": self.name, "database": "", "schema": "", "table": "",
                "precision": self.precision, "collation": None, "byteLength": length,
                "scale": self.scale, "nullable": True, "length": length, "type": self.type}

    def cell(self, value):
        """The value as a string, or None; times are in seconds since 1970."""
        if value is None:
            return None
        if self.type == "boolean":
            return str(value).lower()
        if self.type == "fixed":
            return f"{value:.{self.scale}f}"
        if self.type == "timestamp_ltz":
            return f"{value:.{self.scale}f}"
        if self.type == "array":
            return json.dumps(value)
        return str(value)


def show_column(name, kind):
    """A column of a SHOW command, with the precision and scale that a live account returned."""
    if kind == "fixed":
        return Column(name, kind, 9, 0)
    if kind == "timestamp_ltz":
        return Column(name, kind, 0, 3)
    return Column(name, kind)


def column_of(name, values):
    """The column for a computed value of a SELECT; its type follows from the values."""
    known = [value for value in values if value is not None]
    if not known and name.startswith(("L_", "N_")) or any(isinstance(value, str) for value in known):
        return Column(name, "text")
    if any(isinstance(value, float) for value in known):
        return Column(name, "real")
    scales = (-value.as_tuple().exponent for value in known if isinstance(value, decimal.Decimal))
    return Column(name, "fixed", 38, max(scales, default=0))


class Table(NamedTuple):
    """A result: columns, and rows of Python values."""

    columns: list
    rows: list

    def cells(self, nullable=True):
        """All rows as sent; without `nullable` a missing value is the text "null"."""
        missing = None if nullable else "null"
        return [[missing if value is None else column.cell(value)
                 for column, value in zip(self.columns, row)] for row in self.rows]


class Refusal(Exception):
    """An error reply of Snowflake: a status, a code and a text."""

    def __init__(self, status, code, message, sql_state=None, headers=()):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.sql_state, self.headers = sql_state, list(headers)

    def reply(self, more=None):
        body = {"code": self.code, "message": self.message}
        if self.sql_state:
            body["sqlState"] = self.sql_state
        return json_reply(self.status, body | (more or {}), self.headers)


def json_reply(status, body, headers=()):
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status, [("Content-Type", "application/json"), *headers], written)


def not_authorized(name):
    """Objects that do not exist and objects that the role may not see cause the same error."""
    return Refusal(422, "002003", f"SQL compilation error:\nObject '{name}' does not exist or not "
                                  "authorized.", "42S02")


def syntax_error(text):
    word = (text.split() or ["<EOF>"])[0]
    return Refusal(422, "001003", f"SQL compilation error:\nsyntax error line 1 at position 0 unexpected "
                                  f"'{word}'.", "42000")


def no_warehouse():
    return Refusal(422, "000606", "No active warehouse selected in the current session.  Select an active "
                                  "warehouse with the 'use warehouse' command.", "57P03")
