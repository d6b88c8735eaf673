"""The rows of deploy/snowflake_fake after some days, and its answers."""

from snowflake_fake.answers import answer
from snowflake_fake.catalog import STATEMENTS
from statements import move, widen

DAY = 86_400
WIDER = 3  # days: rare events may be outside of the shipped windows


def stored(value, kind):
    """A value of the fake for the double: the fake has seconds in columns with times or dates."""
    if value is None:
        return None
    if kind == "TIMESTAMP_LTZ":
        return round(value * 1000)
    if kind == "DATE":
        return round(value) // DAY
    return value


class Lived:
    """Fills tables with the currently visible rows of the fake."""

    def __init__(self, double, statements, columns, account):
        self.double, self.usage, self.now = double, account.usage, account.now
        self.name = f"the fake after {(account.now - account.began) / DAY:.1f} days"
        self.statements = widen(move(statements, int(account.now)), WIDER)
        for view, known in columns.items():
            rows = self.usage.table(view.partition(".")[2], account.now)
            double.fill(view, known, [{each.name: stored(row[each.name], each.type) for each in known}
                                      for row in rows])  # fmt: skip

    def wanted(self, statement):
        table = answer(STATEMENTS, statement.name, self.usage, statement.text, self.now)
        names = [column.name for column in table.columns]
        return [dict(zip(names, row, strict=True)) for row in table.rows]
