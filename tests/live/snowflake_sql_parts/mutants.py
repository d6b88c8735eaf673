"""Changes one place of a statement at a time, and checks whether the comparison notices."""

import collections
import pathlib
import re

from compare import differences

SURVIVORS = pathlib.Path(__file__).resolve().parents[1] / "snowflake_sql_survivors.txt"
# Patterns, and their replacements.
CHANGES = (
    (r"COALESCE\((\w+(?:::\w+(?:\(\d+, \d+\))?)?), 0\)", r"\1"),
    (r"COALESCE\((\w+), ''\)", r"COALESCE(\1, 'x')"),
    (r"GREATEST\((.+?), 0\)", r"\1"),
    (r" <= ", " < "),
    (r" >= ", " > "),
    (r" < ", " <= "),
    (r" > ", " >= "),
    (r"COUNT_IF\(", "COUNT("),
    (r"DATE_TRUNC\('SECOND', (\S+?)\)", r"\1"),
    (r", 300\)", ", 60)"),
    (r", 3600\)", ", 300)"),
    (r" DESC", " ASC"),
    (r"\bIS NULL\b", "IS NOT NULL"),
    (r"\bIS NOT NULL\b", "IS NULL"),
    (r"\bAND\b", "OR"),
    (r"\bOR\b", "AND"),
    (r"\bMAX\(", "MIN("),
    (r"\bMIN\(", "MAX("),
    (r"\bSUM\(", "MAX("),
    (r"\bLOWER\(", "UPPER("),
    (r"\bLIKE '", "NOT LIKE '"),
    (r" <> ", " = "),
    (r" = '", " <> '"),
    (r"\bNOT ", ""),
    (r"'(?!SECOND)([A-Z_]{2,}%?)'", r"'NOT_\1'"),
    (r"'second'", "'millisecond'"),
    (r"'millisecond'", "'second'"),
    (r"(\w+_TIME) >= TO", r"CASE WHEN TRUE THEN \1 + INTERVAL '1 hour' END >= TO"),
)


def mutants_of(statement):
    """Each mutant with its name: the change, and its number among equal changes."""
    counts = collections.Counter()
    for pattern, replacement in CHANGES:
        for found in re.finditer(pattern, statement.text):
            after = found.expand(replacement)
            change = f"{found[0]} -> {after}".replace("\n", " ")
            counts[change] += 1
            yield (f"{statement.name}: {change} ({counts[change]})",
                   statement.text[: found.start()] + after + statement.text[found.end() :])  # fmt: skip


def read_survivors():
    """The mutants that are known to return the same, listed below the reason."""
    lines = (line.strip() for line in SURVIVORS.read_text().splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def fate(made, statement, text):
    try:
        shown = made.double.run(text)
    except Exception:  # noqa: BLE001, as translators throw anything
        return "do not run"
    return "noticed" if differences(shown, made.wanted(statement)) else "survive"


def fates(sets, statements):
    """The fate of each mutant by name. One that survives a set of rows is tried with the next set."""
    found = {}
    for made in sets:
        found |= {name: fate(made, statement, text) for statement in statements
                  for name, text in mutants_of(statement) if found.get(name, "survive") == "survive"}  # fmt: skip
    return found


def check_mutants(sets, statements, whole):
    """If `whole`, there are all statements, so that each listed survivor must be among them."""
    found, known = fates(sets, statements), read_survivors()
    alive = {name for name, how in found.items() if how == "survive"}
    lines = [f"survives: {name}" for name in found if name in alive - known]
    gone = known - alive if whole else {name for name in known - alive if name in found}
    lines += [f"in {SURVIVORS.name}, but does not survive: {name}" for name in sorted(gone)]
    counts = collections.Counter(found.values())
    print(f"{len(found)} mutants: " + ", ".join(f"{count} {how}" for how, count in counts.most_common()))
    if lines:
        raise SystemExit("\n".join(lines))
