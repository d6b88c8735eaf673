"""Compares two sets of rows: a row is identified by its L_ columns, B and DAY; other values must be equal
as numbers, except for the rounding of sums of doubles."""

import math


def same(left, right):
    if left is None or right is None or isinstance(left, str) or isinstance(right, str):
        return left == right
    return math.isclose(float(left), float(right), rel_tol=1e-12, abs_tol=1e-6)


def known_by(row):
    return tuple((name, value if isinstance(value, str | None) else float(value))
                 for name, value in sorted(row.items()) if name.startswith("L_") or name in ("B", "DAY"))  # fmt: skip


def differences(shown, wanted):
    """The differences as lines of text."""
    by_key = {known_by(row): row for row in shown}
    lines = [f"{len(shown) - len(by_key)} rows are known by the same"] if len(by_key) < len(shown) else []
    expected = {known_by(row): row for row in wanted}
    for key in {*by_key, *expected}:
        left, right = by_key.get(key), expected.get(key)
        if left is None or right is None:
            lines.append(f"{dict(key)}: {'missing' if left is None else 'not expected'}")
        elif set(left) != set(right):
            lines.append(f"columns {sorted(set(left) ^ set(right))}")
        else:
            lines += [f"{dict(key)}: {name} is {left[name]}, expected {right[name]}"
                      for name in left if not same(left[name], right[name])]  # fmt: skip
    return lines
