"""What the doctor found, and how it asks."""

import email.utils
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import NamedTuple

OK, WARNING, FAILED = "ok", "warning", "failed"
SHOWN = 5  # of what is found many times
TIMEOUT = 30  # seconds of one request
CLOCK_SECONDS = 5  # more is a clock that is wrong: an answer says whole seconds, and takes a while


class Failed(Exception):
    """What is wrong, in words for the user."""


class Row(NamedTuple):
    """One check: how it went, what was found, and what to do."""

    status: str
    check: str
    found: str
    action: str = ""


class Report:
    """The rows in the order of the checks."""

    def __init__(self):
        self.rows = []

    def add(self, status, check, found, action=""):
        self.rows.append(Row(status, check, found, action if status != OK else ""))

    def judge(self, check, problems, good, action, status=FAILED):
        """One row: the problems, or what is good where there is none."""
        if problems:
            self.add(status, check, shown(problems), action)
        else:
            self.add(OK, check, good)

    def count(self, status):
        return sum(row.status == status for row in self.rows)

    def text(self):
        width = max(len(row.check) for row in self.rows)
        lines = []
        for row in self.rows:
            lines.append(f"{row.status:<7}  {row.check:<{width}}  {row.found}")
            if row.action:
                lines.append(f"{'':<7}  {'':<{width}}  -> {row.action}")
        return "\n".join(lines) + f"\n\n{self.count(OK)} ok, {self.count(WARNING)} warnings, {self.count(FAILED)} failed\n"


def shown(problems):
    more = len(problems) - SHOWN
    return "; ".join(problems[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


class Refusing(urllib.request.HTTPRedirectHandler):
    """A redirection would carry the token elsewhere."""

    def redirect_request(self, *_):
        return None


class Server:
    """A server and its HTTP API. `skew` is by how many seconds its clock was ahead at the last answer."""

    def __init__(self, name, url, token=None):
        self.name, self.url, self.skew = name, url.rstrip("/"), 0
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Refusing)

    def ask(self, path, body=None):
        """The text of an answer; `body` is sent as JSON."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with self.opener.open(urllib.request.Request(self.url + path, data, self.headers), timeout=TIMEOUT) as reply:
                if reply.headers["Date"]:
                    self.skew = email.utils.parsedate_to_datetime(reply.headers["Date"]).timestamp() - time.time()
                return reply.read().decode()
        except urllib.error.HTTPError as error:
            raise Failed(f"{self.url}{path}: {error.code} {error.reason}") from None
        except (OSError, ValueError) as error:
            raise Failed(f"{self.url}{path}: {getattr(error, 'reason', error)}") from None

    def json(self, path, body=None):
        try:
            return json.loads(self.ask(path, body))
        except ValueError:
            raise Failed(f"{self.url}{path}: the answer is not JSON; is this {self.name}?") from None


class Prometheus(Server):
    """The API of Prometheus."""

    def api(self, path):
        body = self.json(f"/api/v1/{path}")
        if not isinstance(body, dict) or "data" not in body:
            raise Failed(f"{self.url}/api/v1/{path}: has no data; is this Prometheus?")
        return body["data"]

    def query(self, expression):
        """The labels and values of an instant query."""
        found = self.api("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]


def version_of(text):
    """The numbers of a version, as 0.25.0 of 0.25.0+ds."""
    numbers = text.lstrip("v").split("+")[0].split("-")[0].split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def check_version(report, name, found, least):
    """Whether a server is as new as what was tested."""
    report.judge(f"{name} version", [found] if version_of(found) < version_of(least) else [], found,
                 f"use {least} or newer: older ones are not tested")


def check_clock(report, server):
    status = WARNING if abs(server.skew) > CLOCK_SECONDS else OK
    difference = f"{abs(server.skew):.0f} s {'ahead of' if server.skew > 0 else 'behind'} this machine's"
    report.add(status, f"{server.name} clock", difference if status != OK else "that of this machine",
               "synchronise the clocks of both (chrony, systemd-timesyncd)")
