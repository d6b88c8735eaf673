"""The views of examples/business that SQLite can run return what the contract of docs/business.md requires."""

import pathlib
import re
import sqlite3
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from business_mappings import MAPPINGS, PORTABLE, ROOT, check, expected, names, statements  # noqa: E402


def contract():
    """The columns of each view in the documentation, and which of them are required."""
    rows = re.findall(r"^\| `(bm_\w+)` \| [^|]* \| ([^|]*) \|$", (ROOT / "docs/business.md").read_text(), re.M)
    return {view: (set(re.findall(r"\w+", columns)), set(re.findall(r"\*\*(\w+)\*\*", columns)))
            for view, columns in rows}  # fmt: skip


class Mappings(unittest.TestCase):
    def test_rows_become_those_of_the_contract(self):
        for name in PORTABLE:
            database = sqlite3.connect(":memory:")
            database.executescript(statements(name))
            check(self, name, lambda query, database=database: database.execute(query).fetchall())
            database.close()

    def test_each_view_has_the_required_columns(self):
        views = contract()
        self.assertEqual(len(views), 8)
        for name in names():
            for view, (columns, rows) in expected(name).items():
                with self.subTest(name=name, view=view):
                    known, required = views[view]
                    self.assertLessEqual(required, set(columns))
                    self.assertLessEqual(set(columns), known | {"event_id"})
                    self.assertTrue(rows)

    def test_each_view_is_compared(self):
        for name in names():
            made = re.findall(r"^CREATE VIEW (\w+)", (MAPPINGS / f"{name}.sql").read_text(), re.M)
            self.assertEqual(made, list(expected(name)))


if __name__ == "__main__":
    unittest.main()
