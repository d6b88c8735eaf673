"""Which metrics a PromQL expression names: as much of the language as alerts/check needs."""

import re

TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<number>\d[\w.]*)
      | (?P<name>[a-zA-Z_:][\w:]*)
      | (?P<other>\S)""",
    re.VERBOSE,
)
LABEL_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
WORDS = LABEL_LISTS | set(
    "and or unless bool offset atan2 inf nan sum min max avg group stddev stdvar count "
    "count_values bottomk topk quantile".split()
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
    found = []
    parts = tokens(expr)
    for here, following in zip(parts, parts[1:] + [""]):
        if re.match(r"[a-zA-Z_:]", here) and following != "(" and here.lower() not in WORDS:
            found.append(here)
    return found
