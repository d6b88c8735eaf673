"""Writes the artifacts of the example dbt project, as if dbt had just written them."""

import datetime
import pathlib
import re

ARTIFACTS = pathlib.Path(__file__).resolve().parent.parent / "examples/dbt/target"
TIME = re.compile(r"\b(2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)(Z|\+00:00)")


def time_of(text):
    """Parses a time that dbt wrote, without Z or +00:00."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc)


def write_to(folder, now=None):
    """Copies the artifacts into a directory. All times are moved so that the newest is now."""
    texts = {path.name: path.read_text() for path in sorted(ARTIFACTS.glob("*.json"))}
    newest = max(time_of(match[1]) for text in texts.values() for match in TIME.finditer(text))
    by = (now or datetime.datetime.now(datetime.timezone.utc)) - newest

    def moved(match):
        return (time_of(match[1]) + by).strftime("%Y-%m-%dT%H:%M:%S.%f") + match[2]

    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(TIME.sub(moved, text))
