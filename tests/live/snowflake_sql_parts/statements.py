"""The statements of the exporter with the bounds of their windows, as --dry-run prints them."""

import datetime
import re
from typing import NamedTuple


class Statement(NamedTuple):
    name: str
    text: str

    @property
    def views(self):
        return re.findall(r"(?:FROM|JOIN) SNOWFLAKE\.(\w+\.\w+)", self.text)

    @property
    def window(self):
        seconds = sorted({int(each) for each in re.findall(r"TO_TIMESTAMP_LTZ\((\d+)\)", self.text)})
        days = sorted(re.findall(r"TO_DATE\('([\d-]+)'\)", self.text))
        return Window(seconds, days)


class Window(NamedTuple):
    """The bounds in the order of time; either may be missing, because a gauge may have only one."""

    seconds: list
    days: list


def read_statements(dry_run):
    """Parses the output of --dry-run: a name after "-- ", and its lines, which are indented by six spaces."""
    found = []
    for line in dry_run.splitlines():
        if name := re.fullmatch(r" {6}-- (\w+)", line):
            found.append((name[1], []))
        elif found and line.startswith(" " * 6):
            found[-1][1].append(line[6:])
    return [Statement(name, "\n".join(lines)) for name, lines in found]


def move(statements, now):
    """The statements at another time, so that the rows generated for them are always the same."""
    then = max(statement.window.seconds[-1] for statement in statements if statement.window.seconds)
    days = datetime.timedelta(days=now // 86_400 - then // 86_400)

    def moved(text):
        text = re.sub(r"(?<=TO_TIMESTAMP_LTZ\()\d+", lambda found: str(int(found[0]) - then + now), text)
        return re.sub(r"(?<=TO_DATE\(')[\d-]+", lambda found: str(datetime.date.fromisoformat(found[0]) + days), text)

    return [Statement(name, moved(text)) for name, text in statements]


def widen(statements, days):
    """The statements with an earlier start, if they have a start and an end in seconds."""
    def widened(statement):
        bounds = statement.window.seconds
        if len(bounds) < 2:
            return statement
        return statement._replace(text=statement.text.replace(f"({bounds[0]})", f"({bounds[0] - days * 86_400})"))

    return [widened(each) for each in statements]
