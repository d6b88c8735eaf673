"""The mappings of examples/business with the rows of tests/fixtures/sql/business."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = ROOT / "tests/fixtures/sql/business"
MAPPINGS = ROOT / "examples/business"
PORTABLE = ("segment", "shopify", "stripe")  # the others use functions of PostgreSQL


def names():
    return sorted(path.stem for path in MAPPINGS.glob("*.sql"))


def statements(name):
    return (ROWS / f"{name}.sql").read_text() + (MAPPINGS / f"{name}.sql").read_text()


def text(value):
    """A cell in the same form for all databases: times without a zone, numbers without trailing zeros."""
    if value is None:
        return ""
    value = str(value).removesuffix("+00")
    try:
        return f"{float(value):.9g}"
    except ValueError:
        return value


def expected(name):
    """By view: its columns, and its sorted rows."""
    views = {}
    for line in (ROWS / f"{name}.txt").read_text().splitlines():
        if line.startswith("bm_"):
            view, *columns = line.split()
            views[view] = (columns, [])
        else:
            views[view][1].append(tuple(line.split("|")))
    return views


def check(test, name, select):
    """Compares the views with the expected ones. `select` returns the rows of a query."""
    for view, (columns, rows) in expected(name).items():
        with test.subTest(name=name, view=view):
            found = select(f"SELECT {', '.join(columns)} FROM {view}")
            test.assertEqual(sorted(tuple(map(text, row)) for row in found), sorted(rows))
