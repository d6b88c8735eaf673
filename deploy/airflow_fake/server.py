"""The HTTP server of the fake: one version, its login, and /truth beside the API."""

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

COMPRESSED_FROM = 1024  # bytes of a body (3.3)
IDS = re.compile(r"/(dags|dagRuns|taskInstances)/(?!list$)[^/]+(/[0-9]+(?=/))?")


class Fake(Server):
    """Serves a world. The clock says what time it is there."""

    def __init__(self, world, clock, port=0, login=None, faults=None, host="127.0.0.1"):
        self.world, self.keeps_connections = world, not world.is_v1
        self.login, self.faults = login or Login(world.is_v1), faults or Faults()
        self.api = Api(world)
        self.lock = threading.RLock()  # of the world and the faults
        self.asked = collections.Counter()  # requests by path without ids, as "GET /api/v2/dags/*/dagRuns"
        super().__init__(clock, port, host)

    def skew(self):
        return self.faults.amount("skew")

    def counters(self, since, until=None, by_task=False):
        """What an exporter that counts since that time must show of what ended."""
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
            # Not when it is sent: the clock may have jumped on since the world was looked at.
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
        """Not of Airflow: /truth?since=SECONDS, and until=SECONDS, by_task=1."""
        query = dict(urllib.parse.parse_qsl(target.partition("?")[2]))
        until = float(query["until"]) if "until" in query else None
        counted = self.counters(float(query.get("since", 0)), until, query.get("by_task") == "1")
        body = {"now": self.world.now, "counters": counted, "gauges": self.gauges(), "asked": self.asked}
        return Reply(200, [("Content-Type", "application/json")],
                     json.dumps(body, ensure_ascii=False).encode())


def written(body, is_v1):
    """Airflow 2 escapes what is not ASCII, Airflow 3 does not."""
    if is_v1:
        return json.dumps(body, indent=2).encode() + b"\n"
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
