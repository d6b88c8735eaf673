"""The doctor's report, and its requests."""

import email.utils
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import NamedTuple

OK, WARNING, FAILED = "ok", "warning", "failed"
SHOWN = 5  # of many findings
TIMEOUT = 30  # seconds, of one request
CLOCK_SECONDS = 5  # tolerance: responses have whole seconds and take a while


class Failed(Exception):
    """An error message for the user."""


class Row(NamedTuple):
    """One check: its status, what was found, and what to do."""

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
        """Adds one row: the problems, or `good` if there are none."""
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
                first, *more = row.action.splitlines()
                lines.append(f"{'':<7}  {'':<{width}}  -> {first}")
                lines += [f"{'':<7}  {'':<{width}}     {line}" for line in more]
        return "\n".join(lines) + f"\n\n{self.count(OK)} ok, {self.count(WARNING)} warnings, {self.count(FAILED)} failed\n"


def shown(problems):
    more = len(problems) - SHOWN
    return "; ".join(problems[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


class Refusing(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects, which would send the token elsewhere."""

    def redirect_request(self, *_):
        return None


class Server:
    """A server with an HTTP API. `skew` is how many seconds its clock was ahead at the last response."""

    def __init__(self, name, url, token=None):
        self.name, self.url, self.skew = name, url.rstrip("/"), 0
        self.headers = {"Content-Type": "application/json"}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Refusing)

    def ask(self, path, body=None):
        """The text of the response; `body` is sent as JSON."""
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
            raise Failed(f"{self.url}{path}: the response is not JSON; is this {self.name}?") from None


class Prometheus(Server):
    """The API of Prometheus."""

    def api(self, path):
        body = self.json(f"/api/v1/{path}")
        if not isinstance(body, dict) or "data" not in body:
            raise Failed(f"{self.url}/api/v1/{path}: the response has no data; is this Prometheus?")
        return body["data"]

    def query(self, expression):
        """The labels and values of an instant query."""
        found = self.api("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]


def version_of(text):
    """The numbers of a version, 0.25.0 in 0.25.0+ds."""
    numbers = text.lstrip("v").split("+")[0].split("-")[0].split(".")
    return tuple(int(number) for number in numbers if number.isdigit())


def check_version(report, name, found, least):
    """Checks that a server is not older than the tested versions."""
    report.judge(f"{name} version", [found] if version_of(found) < version_of(least) else [], found,
                 f"use {least} or newer; older versions are not tested")


def check_clock(report, server):
    status = WARNING if abs(server.skew) > CLOCK_SECONDS else OK
    difference = f"{abs(server.skew):.0f} s {'ahead of' if server.skew > 0 else 'behind'} this machine's"
    report.add(status, f"{server.name} clock", difference if status != OK else "agrees with this machine's",
               "synchronise the clocks of both (chrony, systemd-timesyncd)")
