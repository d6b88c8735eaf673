"""The mutants of a rule: each differs from it in one place, by a fault that somebody could make."""

import collections
import re

from promql import LABEL_LISTS, TOKEN

# What is at text[start:end] of an expression, how many brackets are open there, and the innermost:
# one of "", "(", "{", "[", or the word of a list of labels.
Token = collections.namedtuple("Token", "text kind start end depth inside")
Edit = collections.namedtuple("Edit", "start end new")

SWAPS = {
    "<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"], "==": ["!="], "!=": ["=="],
    "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["*"], "^": ["*"],
    "and": ["or", "unless"], "or": ["and"], "unless": ["and"],
    "max": ["min"], "min": ["max"], "sum": ["avg", "count"], "avg": ["sum"], "count": ["sum"],
    "max_over_time": ["min_over_time"], "min_over_time": ["max_over_time"],
    "avg_over_time": ["max_over_time", "min_over_time"],
    "sum_over_time": ["avg_over_time"], "count_over_time": ["sum_over_time"],
    "bool": [""], "abs": [""],
}  # fmt: skip
MATCHER_SWAPS = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
SET_OPERATORS = {"and", "or", "unless"}
CLOSING = {")", "]", "}"}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
CONTEXT = 24  # characters of an expression that are shown before and after what is mutated


def of_rule(body):
    """(text, body) of each mutant of a rule; the texts differ."""
    expr = on_one_line(str(body["expr"]))
    found = [(shown(expr, edit), {"expr": applied(expr, edit)}) for edit in edits_of(expr)]
    for key in ("for", "keep_firing_for"):
        found += [
            (f"{key}: [{body[key]} → {new}]", {key: new}) for new in other_durations(body.get(key))
        ]
    labels = body.get("labels") or {}
    for label, value in labels.items():
        others = {other: labels[other] for other in labels if other != label}
        found.append((f"labels: [{label}: {value} → ]", {"labels": others}))

    bodies, texts = [], collections.Counter()
    for text, change in found:
        mutant = {**body, **change}
        if mutant not in bodies:
            bodies.append(mutant)
            texts[text] += 1
            yield text if texts[text] == 1 else f"{text} #{texts[text]}", mutant


def on_one_line(expr):
    """The expression without comments, and with a space where space was."""
    result, end = "", 0
    for match in TOKEN.finditer(expr):
        if match.lastgroup == "comment":
            continue
        result += " " * (match.start() > end > 0) + match.group()
        end = match.end()
    return result


def applied(expr, edit):
    return expr[: edit.start] + edit.new + expr[edit.end :]


def shown(expr, edit):
    before = expr[max(0, edit.start - CONTEXT) : edit.start]
    old = expr[edit.start : edit.end]
    if len(old) > 3 * CONTEXT:
        old = f"{old[:CONTEXT]} … {old[-CONTEXT:]}"
    after = expr[edit.end : edit.end + CONTEXT]
    return f"{before}[{old} → {edit.new}]{after}".strip()


def tokens_of(expr):
    result, open_ = [], []
    for match in TOKEN.finditer(expr):
        text = match.group()
        if text in CLOSING:
            open_.pop()
        inside = open_[-1] if open_ else ""
        result.append(Token(text, match.lastgroup, match.start(), match.end(), len(open_), inside))
        if text in ("(", "{", "["):
            before = result[-2].text.lower() if len(result) > 1 else ""
            open_.append(before if before in LABEL_LISTS else text)
    return result


def edits_of(expr):
    parts = tokens_of(expr)
    for at, part in enumerate(parts):
        before = parts[at - 1].text if at else ""
        if before in ("[", "offset"):
            for new in other_durations(part.text):
                yield Edit(part.start, part.end, new)
        elif part.inside == "{" and part.text in MATCHER_SWAPS:
            yield without_item(parts, at - 1, at + 1)
            yield Edit(part.start, part.end, MATCHER_SWAPS[part.text])
        elif part.inside in LABEL_LISTS and part.kind == "name":
            yield without_item(parts, at, at)
        elif part.inside in ("", "(") and part.kind == "number":
            yield from edits_of_number(parts, at)
        elif part.inside in ("", "("):
            yield from edits_of_operator(parts, at)
            yield from edits_of_operands(parts, at)
        if part.kind == "string":
            for start, end in alternatives(part.text):
                yield Edit(part.start + start, part.start + end, "")


def closing_of(parts, opening):
    return next(
        at for at in range(opening + 1, len(parts))
        if parts[at].depth == parts[opening].depth and parts[at].text in CLOSING
    )  # fmt: skip


def without_item(parts, first, last):
    """Leaves out an item of a list, and a comma."""
    start, end = parts[first].start, parts[last].end
    if parts[last + 1].text == ",":
        end = parts[last + 2].start
    elif parts[first - 1].text == ",":
        start = parts[first - 1].start
    return Edit(start, end, "")


def other_durations(text):
    """Half and double of a duration; a minute for none."""
    if text is None:
        return []
    seconds = sum(int(n) * UNITS[unit] for n, unit in re.findall(r"(\d+)([smhdw])", str(text)))
    return [f"{seconds // 2}s", f"{seconds * 2}s"] if seconds else ["1m"]


def edits_of_number(parts, at):
    part = parts[at]
    if is_factor_of_number(parts, at):
        return
    value = float(part.text)
    others = [value - 1, value + 1] if value.is_integer() and value <= 10 else [value / 2, value * 2]
    for other in others:
        yield Edit(part.start, part.end, f"{other:g}")


def is_factor_of_number(parts, at):
    """Whether it is 3600 in 24 * 3600, where 24 is enough to mutate."""
    return at > 1 and parts[at - 1].text == "*" and parts[at - 2].kind == "number"


def edits_of_operator(parts, at):
    part = parts[at]
    before = parts[at - 1] if at else None
    is_sign = before is None or before.kind == "other" and before.text not in CLOSING
    if part.text == "-" and is_sign:
        yield Edit(part.start, part.end, "")
    elif part.text == "*" and is_factor_of_number(parts, at + 1) and parts[at + 1].kind == "number":
        return
    else:
        for new in SWAPS.get(part.text, []):
            yield Edit(part.start, part.end, new)


def edits_of_operands(parts, at):
    """Leaves out what is on one side of a set operator, and the operator."""
    part = parts[at]
    if part.text not in SET_OPERATORS:
        return
    ends = {"or"} if part.text == "or" else SET_OPERATORS

    def is_end(other):
        return other.depth < part.depth or other.depth == part.depth and other.text in ends | {","}

    last = next((n for n in range(at + 1, len(parts)) if is_end(parts[n])), len(parts)) - 1
    yield Edit(parts[at - 1].end, parts[last].end, "")
    if part.text == "or":
        first = next((n for n in range(at - 1, -1, -1) if is_end(parts[n])), -1) + 1
        right = at + 1
        while parts[right].text in LABEL_LISTS:
            right = closing_of(parts, right + 1) + 1
        yield Edit(parts[first].start, parts[right].start, "")


def alternatives(text):
    """(start, end) of each alternative in a string's regular expression, with a | beside it."""
    found, in_class = [], False
    groups = [[0]]  # of each group that is open: where it began, and its bars
    for at, char in enumerate(text):
        if in_class:
            in_class = char != "]"
        elif at and text[at - 1] == "\\":
            continue
        elif char == "[":
            in_class = True
        elif char == "(":
            groups.append([at + 2 if text.startswith("(?:", at) else at])
        elif char == "|":
            groups[-1].append(at)
        elif char == ")" or at == len(text) - 1:
            found += items_between(groups.pop(), at)
    return found


def items_between(marks, end):
    if len(marks) == 1:
        return []
    items = list(zip(marks, marks[1:] + [end]))
    first = (items[0][0] + 1, items[0][1] + 1)  # with the bar after it; others with that before
    return [first] + items[1:]
