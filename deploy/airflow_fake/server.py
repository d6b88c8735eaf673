"""The HTTP server of the fake: one version, its login, and /truth beside the API."""

import collections
import contextlib
import email.utils
import gzip
import http.server
import json
import re
import threading
import time
import urllib.parse

from airflow_fake import truth
from airflow_fake.api import Api
from airflow_fake.faults import Faults, Reply
from airflow_fake.login import Login, wrong_version
from airflow_fake.query import Refusal

COMPRESSED_FROM = 1024  # bytes of a body (3.3)
DRIP = 64  # pieces of a slow body
MOST_BODY = 1 << 20
IDS = re.compile(r"/(dags|dagRuns|taskInstances)/(?!list$)[^/]+(/[0-9]+(?=/))?")


class Fake(http.server.ThreadingHTTPServer):
    """Serves a world on 127.0.0.1 from the start until close(). The clock says what time it is there."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, world, clock, port=0, login=None, faults=None, host="127.0.0.1"):
        super().__init__((host, port), Handler)
        self.url = f"http://{host}:{self.server_port}"
        self.world, self.clock = world, clock
        self.login, self.faults = login or Login(world.is_v1), faults or Faults()
        self.api = Api(world)
        self.lock = threading.RLock()  # of the world and the faults
        self.asked = collections.Counter()  # requests by path without ids, as "GET /api/v2/dags/*/dagRuns"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

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
                instead = self.faults.before()
                return instead or self.answer(method, target, headers, body)
            except Refusal as refusal:
                return Reply(refusal.status, refusal.headers, refusal.body)

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


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    wbufsize = -1  # head and body go together: a second packet would wait for the first one's receipt

    def do_GET(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > MOST_BODY:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        self.send_reply(self.server.reply_to(self.command, self.path, self.headers, body))

    do_POST = do_DELETE = do_PATCH = do_GET

    def send_reply(self, reply):
        self.send_response_only(reply.status)
        now = self.server.clock.now() + self.server.faults.amount("skew")
        self.send_header("Date", email.utils.formatdate(now, usegmt=True))
        for name, value in reply.headers:
            self.send_header(name, value)
        if self.server.world.is_v1 or reply.manner == "cut":
            self.send_header("Connection", "close")
        if reply.manner == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.send_body(reply)
        self.wfile.flush()

    def send_body(self, reply):
        body = reply.body
        if reply.manner == "cut":
            body = body[:len(body) // 2]
        elif reply.manner == "chunked":
            middle = len(body) // 2
            parts = [part for part in (body[:middle], body[middle:]) if part]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))
        if reply.manner != "slow":
            self.wfile.write(body)
            return
        size = len(body) // DRIP + 1
        for at in range(0, len(body), size):
            self.wfile.write(body[at:at + size])
            self.wfile.flush()
            time.sleep(0.005)

    def handle(self):
        with contextlib.suppress(ConnectionError, TimeoutError):  # whoever asked has gone
            super().handle()

    def finish(self):
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().finish()

    def log_message(self, *_):
        pass
