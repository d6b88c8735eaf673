"""fakesnow, which runs Snowflake's SQL on DuckDB, with tables in place of the views."""

import contextlib
import csv
import datetime
import json
import logging
import pathlib
import tempfile
import warnings

logging.disable(logging.WARNING)
warnings.filterwarnings("ignore")

import fakesnow  # noqa: E402
import snowflake.connector  # noqa: E402

NULL = "<NULL>"


def text_of(value, kind):
    if value is None:
        return NULL
    if kind == "TIMESTAMP_LTZ":
        moment = datetime.datetime.fromtimestamp(value // 1000, datetime.timezone.utc)
        return str(moment + datetime.timedelta(milliseconds=value % 1000))
    if kind == "DATE":
        return str(datetime.date(1970, 1, 1) + datetime.timedelta(days=value))
    return json.dumps(value) if kind == "VARIANT" else str(value)


class Double:
    def __init__(self, stack):
        stack.enter_context(fakesnow.patch())
        self.connection = snowflake.connector.connect(database="D", schema="S")
        self.cursor, self.duckdb = self.connection.cursor(), self.connection._duck_conn
        self.place = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.cursor.execute("CREATE DATABASE SNOWFLAKE")
        for schema in ("ACCOUNT_USAGE", "ORGANIZATION_USAGE"):
            self.cursor.execute(f"CREATE SCHEMA SNOWFLAKE.{schema}")

    def fill(self, view, columns, rows):
        """Replaces the table with one that has these rows."""
        types = ", ".join(f'"{each.name}" {each.type}' for each in columns)
        self.cursor.execute(f"CREATE OR REPLACE TABLE SNOWFLAKE.{view} ({types})")
        file = self.place / "rows.csv"
        with file.open("w", newline="") as out:
            writer = csv.writer(out, quoting=csv.QUOTE_ALL)
            writer.writerow([each.name for each in columns])
            writer.writerows([text_of(row[each.name], each.type) for each in columns] for row in rows)
        self.duckdb.execute(f"INSERT INTO SNOWFLAKE.{view} SELECT * FROM read_csv(?, header=true, "
                            f"all_varchar=true, nullstr='{NULL}', allow_quoted_nulls=true)", [str(file)])  # fmt: skip
        count = self.duckdb.execute(f"SELECT COUNT(*) FROM SNOWFLAKE.{view}").fetchone()[0]
        if count != len(rows):
            raise SystemExit(f"{view}: {count} of {len(rows)} rows arrived")

    def run(self, text):
        """The rows as dictionaries by column. Raises an error if the statement fails."""
        with contextlib.closing(self.connection.cursor()) as cursor:
            cursor.execute(text)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
