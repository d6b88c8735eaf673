"""PromQL by its tokens: as much of the language as the checks and mutants of rules need."""

import re

TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<number>\d[\w.]*)
      | (?P<name>[a-zA-Z_:][\w:]*)
      | (?P<other>[=!<>]=|[=!]~|\S)""",
    re.VERBOSE,
)
LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = LABEL_LISTS | set(
    "and or unless bool offset atan2 inf nan sum min max avg group stddev stdvar count "
    "count_values bottomk topk quantile".split()
)
# Functions that return samples although no series is selected.
FROM_NOTHING = set(
    "absent absent_over_time vector hour minute month year days_in_month day_of_month day_of_week "
    "day_of_year".split()
)


def tokens(expr):
    """The tokens of an expression without comments, matchers and ranges; a list of labels is ()."""
    result = []
    closing = None  # what ends the part that is being left out
    for match in TOKEN.finditer(expr):
        text, kind = match.group(), match.lastgroup
        if kind == "comment":
            continue
        if closing:
            if kind == "other" and text == closing:
                closing = None
        elif text in "{[" and kind == "other":
            closing = {"{": "}", "[": "]"}[text]
        elif text == "(" and result and result[-1].lower() in LABEL_LISTS:
            result.append("()")
            closing = ")"
        else:
            result.append(text)
    return result


def metrics_of(expr):
    """The names of metrics in an expression."""
    return metrics_among(tokens(expr))


def metrics_among(parts):
    return [
        here
        for here, following in zip(parts, parts[1:] + [""])
        if re.match(r"[a-zA-Z_:]", here) and following != "(" and here.lower() not in WORDS
    ]


def sources_of(expr):
    """The metrics of which at least one must have samples for the expression to have a result.

    None if it may have one without: a metric inside scalar() is only compared with, and functions
    such as vector() and absent() need no series.
    """
    parts = without_scalars(tokens(expr))
    makes = any(
        here in FROM_NOTHING and following == "(" for here, following in zip(parts, parts[1:])
    )
    return None if makes else set(metrics_among(parts)) or None


def without_scalars(parts):
    """The tokens with a number in the place of each call of scalar()."""
    result, depth = [], 0
    for part in parts:
        if depth:
            depth += (part == "(") - (part == ")")
        elif part == "(" and result[-1:] == ["scalar"]:
            result[-1], depth = "0", 1
        else:
            result.append(part)
    return result
