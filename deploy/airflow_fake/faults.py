"""Faults of the fake: each occurs in a share of the requests."""

import argparse
import json
import random

from airflow_fake.query import Refusal
from fake_server import Reply

LOGIN_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body></body></html>\n"
HELP = {
    "429": "share of requests that are answered 429 with Retry-After",
    "500": "share that are answered 500",
    "slow": "share whose body comes a little at a time",
    "cut": "share whose body ends in its middle",
    "login": "share that are answered 200 with a page to log in, as by a proxy",
    "chunked": "share whose body comes in chunks (3.3)",
    "moving": "seconds that pass at each request, so that rows move between pages",
    "skew": "seconds that the Date header is wrong by",
}


class Faults:
    """Without arguments there are no faults. With the same seed the same requests fail."""

    def __init__(self, seed=1, retry_after=1, **amounts):
        unknown = set(amounts) - set(HELP)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(HELP)}")
        self.dice, self.retry_after, self.amounts = random.Random(seed), retry_after, amounts
        self.counts = dict.fromkeys(HELP, 0)

    def amount(self, name):
        return self.amounts.get(name, 0)

    def happens(self, name):
        happens = self.amounts.get(name, 0) > 0 and self.dice.random() < self.amounts[name]
        self.counts[name] += happens
        return happens

    def before(self):
        """Returns a reply to send instead of the answer, if any. Raises Refusal."""
        if self.happens("429"):
            raise Refusal(429, {"detail": "Too many requests"},
                          headers=[("Retry-After", str(self.retry_after))])
        if self.happens("500"):
            raise Refusal(500, json.dumps({"detail": "made up"}))
        if self.happens("login"):
            return Reply(200, [("Content-Type", "text/html")], LOGIN_PAGE)
        return None

    def manner(self, is_v1):
        for name in ("cut", "slow", *(() if is_v1 else ("chunked",))):
            if self.happens(name):
                return name
        return ""


def parse_faults(text):
    """Parses a command line's "429=0.05,slow=0.01" to amounts by name."""
    try:
        pairs = (each.split("=", 1) for each in text.split(","))
        amounts = {name: float(amount) for name, amount in pairs}
        Faults(**amounts)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from None
    return amounts
