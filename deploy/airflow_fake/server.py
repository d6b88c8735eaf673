"""The HTTP server of the fake: one version of the API with its login, and /truth."""

import collections
import gzip
import json
import re
import threading
import urllib.parse

from airflow_fake import truth
from airflow_fake.api import Api
from airflow_fake.faults import Faults
from airflow_fake.login import Login, wrong_version
from airflow_fake.query import Refusal
from fake_server import Reply, Server

COMPRESSED_FROM = 1024  # minimum size of a body in bytes (3.3)
IDS = re.compile(r"/(dags|dagRuns|taskInstances)/(?!list$)[^/]+(/[0-9]+(?=/))?")


class Fake(Server):
    """Serves a World at the time of the clock."""

    def __init__(self, world, clock, port=0, login=None, faults=None, host="127.0.0.1"):
        self.world, self.keeps_connections = world, not world.is_v1
        self.login, self.faults = login or Login(world.is_v1), faults or Faults()
        self.api = Api(world)
        self.lock = threading.RLock()  # for the world and the faults
        self.asked = collections.Counter()  # requests by path without ids: "GET /api/v2/dags/*/dagRuns"
        super().__init__(clock, port, host)

    def skew(self):
        return self.faults.amount("skew")

    def counters(self, since, until=None, by_task=False):
        """The counters that an exporter which counts since that time must show."""
        with self.lock:
            self.world.advance(self.clock.now())
            return truth.counters(self.world, since, until, by_task)

    def gauges(self):
        with self.lock:
            self.world.advance(self.clock.now())
            return truth.gauges(self.world)

    def settle(self):
        with self.lock:
            self.world.settle()

    def reply_to(self, method, target, headers, body):
        path = target.partition("?")[0]
        with self.lock:
            if path == "/truth":
                return self.truth(target)
            self.asked[method + " " + IDS.sub(r"/\1/*", path)] += 1
            self.clock.advance(self.faults.amount("moving"))
            self.world.advance(self.clock.now())
            try:
                reply = self.faults.before() or self.answer(method, target, headers, body)
            except Refusal as refusal:
                reply = Reply(refusal.status, refusal.headers, refusal.body)
            # Not the time of sending: the clock may have advanced since the world was read.
            return reply._replace(date=self.world.now)

    def answer(self, method, target, headers, body):
        is_v1 = self.world.is_v1
        if not is_v1 and target == "/auth/token" and method == "POST":
            return Reply(201, [("Content-Type", "application/json")],
                         written(self.login.make_token(body), is_v1))
        if not target.startswith(self.api.prefix + "/"):
            raise wrong_version(is_v1, target)
        target = target.removeprefix(self.api.prefix)
        if not self.api.is_open(target):
            self.login.check(headers.get("Authorization", ""), target.partition("?")[0])
        answered = written(self.api.answer(method, target, body), is_v1)
        replied = [("Content-Type", "application/json")]
        if not is_v1:
            replied.append(("vary", "Accept-Encoding"))
            if len(answered) >= COMPRESSED_FROM and "gzip" in headers.get("Accept-Encoding", ""):
                replied.append(("content-encoding", "gzip"))
                answered = gzip.compress(answered, 1)
        return Reply(200, replied, answered, self.faults.manner(is_v1))

    def truth(self, target):
        """Not part of Airflow: /truth?since=SECONDS, with until=SECONDS and by_task=1."""
        query = dict(urllib.parse.parse_qsl(target.partition("?")[2]))
        until = float(query["until"]) if "until" in query else None
        counted = self.counters(float(query.get("since", 0)), until, query.get("by_task") == "1")
        body = {"now": self.world.now, "counters": counted, "gauges": self.gauges(), "asked": self.asked}
        return Reply(200, [("Content-Type", "application/json")],
                     json.dumps(body, ensure_ascii=False).encode())


def written(body, is_v1):
    """Airflow 2 escapes non-ASCII characters, Airflow 3 does not."""
    if is_v1:
        return json.dumps(body, indent=2).encode() + b"\n"
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
