"""Queries the log store, and waits for results."""

import contextlib
import datetime
import time
import urllib.request

PATIENCE = 120
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failed(Exception):
    """A requirement of the test that is not met."""


def require(condition, what):
    if not condition:
        raise Failed(what)


def poll(condition, what):
    """Calls condition() until it returns something true, and returns that."""
    end = time.monotonic() + PATIENCE
    last = None
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            last = condition()
            if last:
                return last
        time.sleep(0.1)
    raise Failed(f"gave up waiting: {what}; last was {last}")


def get(url, data=None):
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with OPENER.open(request, timeout=10) as reply:
        return reply.read().decode()


def days_ago(days):
    then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=days)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")
