"""Faults of the fake: rules that tests set while it runs."""

import collections
import random

from fake_server import Reply
from snowflake_fake.protocol import Column, Refusal, Table

HELP = {
    "status": "answers `status` (429, 500, 502, 503, 504) instead, with `retry_after` if it is given",
    "expired": "answers 401, as for a token that has expired",
    "lost": "does what was asked and closes the connection without an answer",
    "slow": "sends the body a little at a time",
    "cut": "sends half of the body",
    "huge": "answers with a body of `bytes`",
    "not_json": "answers with a page of HTML, and 200 or `status`",
    "wrong_types": "answers with numbers for strings and an object for a list",
    "running": "answers 202 for `polls` polls, or for ever",
    "busy_poll": "answers 429 to a poll",
    "long": "lets a statement run for `seconds` on the warehouse",
    "timeout": "answers 408",
    "error": "answers 422 with `code`, `message` and `sql_state`",
    "incomplete": "answers with code 391908: the result is too large",
    "columns": "of a SHOW command: `reverse`d, without those of `drop`, with those of `add`",
    "skew": "gives times that are wrong by `seconds`",
}
TEXTS = {429: ("390505", "Too many requests."), 500: ("000500", "Internal error."),
         502: ("000502", "Bad gateway."), 503: ("390503", "Service unavailable."),
         504: ("000504", "Gateway timeout.")}
COMMON = ("fault", "count", "share", "statement")


class Rule:
    """A fault: for `count` requests or all, a `share` of them, for one `statement` or any."""

    def __init__(self, fault, count=None, share=1.0, statement=None, **options):
        if fault not in HELP:
            raise ValueError(f"no such fault: {fault}; there are {', '.join(HELP)}")
        self.fault, self.left, self.share, self.statement = fault, count, share, statement
        self.options = options

    def matches(self, fault, statement):
        return (self.fault == fault and self.left != 0 and self.statement in (None, statement))


class Faults:
    """Without rules there are no faults. With the same seed the same requests fail."""

    def __init__(self, seed=1):
        self.dice, self.rules = random.Random(seed), []
        self.counts = collections.Counter()

    def set(self, rules):
        """Replaces all rules. Raises ValueError or TypeError."""
        self.rules = [Rule(**rule) for rule in rules]

    def take(self, fault, statement=None):
        """The options of the first rule that applies, whose count is decreased; None without one."""
        for rule in self.rules:
            if rule.matches(fault, statement) and self.dice.random() < rule.share:
                if rule.left is not None:
                    rule.left -= 1
                self.counts[fault] += 1
                return rule.options
        return None

    def before(self, statement):
        """Raises Refusal for a reply that replaces the answer."""
        status = self.take("status", statement)
        if status is not None:
            number = status.get("status", 500)
            after = status.get("retry_after")
            headers = [] if after is None else [("Retry-After", str(after))]
            raise Refusal(number, *TEXTS[number], headers=headers)
        if self.take("expired", statement) is not None:
            raise Refusal(401, "390144", "JWT token is invalid. [00000000-0000-0000-0000-000000000000]")

    def skew(self):
        """The error of the fake's Date header in seconds."""
        return sum(rule.options.get("seconds", 0) for rule in self.rules if rule.fault == "skew")

    def reply(self, reply, statement):
        """The reply as it is sent, changed by faults."""
        instead = self.take("not_json", statement)
        if instead is not None:
            return Reply(instead.get("status", 200), [("Content-Type", "text/html")],
                         b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n")
        huge = self.take("huge", statement)
        if huge is not None:
            return reply._replace(body=b'{"message":"' + b"x" * huge.get("bytes", 1 << 26) + b'"}')
        if self.take("wrong_types", statement) is not None:
            return reply._replace(body=b'{"code":90001,"data":{"0":[1]},"resultSetMetaData":[],'
                                       b'"statementHandle":7}')
        for manner in ("lost", "cut", "slow"):
            if self.take(manner, statement) is not None:
                return reply._replace(manner=manner)
        return reply


def columns(table, options):
    """A SHOW result with removed, added or reordered columns."""
    keep = [at for at, column in enumerate(table.columns) if column.name not in options.get("drop", ())]
    keep = keep[::-1] if options.get("reverse") else keep
    added = [Column(name, "text") for name in options.get("add", ())]
    return Table([table.columns[at] for at in keep] + added,
                 [[row[at] for at in keep] + ["new"] * len(added) for row in table.rows])
