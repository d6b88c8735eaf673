"""Shared by the fakes of remote sources: their time, and their HTTP server."""

import contextlib
import email.utils
import http.server
import ssl
import threading
import time
from typing import NamedTuple

DRIP = 64  # number of pieces of a slow body
MOST_BODY = 1 << 20


class Clock:
    """The time of a fake: it starts at `start`, passes `speed` times as fast as real time, and jumps with advance()."""

    def __init__(self, start=None, speed=1.0):
        self.start, self.speed = time.time() if start is None else start, speed
        self.began, self.added = time.monotonic(), 0.0
        self.lock = threading.Lock()

    def now(self):
        with self.lock:
            return self.start + self.added + (time.monotonic() - self.began) * self.speed

    def advance(self, seconds):
        with self.lock:
            self.added += seconds


class Reply(NamedTuple):
    """A reply and how it is sent: "slow", a little of the body at a time; "cut", half of it; "chunked", in
    chunks; "lost", not at all. Unless `date` is given, its Date is the time of the fake when it is sent."""

    status: int
    headers: list
    body: bytes
    manner: str = ""
    date: float | None = None


class Server(http.server.ThreadingHTTPServer):
    """Serves until close(). With a certificate, a pair of files with it and its key, it uses TLS.

    A fake implements reply_to(method, target, headers, body), which returns a Reply, and skew(), the error
    of the Date header in seconds. It must be initialized before it calls this constructor.
    """

    daemon_threads = True
    request_queue_size = 64
    keeps_connections = True  # after a reply

    def __init__(self, clock, port=0, host="127.0.0.1", certificate=None):
        super().__init__((host, port), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            # The handler does the handshake, so that a client that never completes it delays no others.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if certificate else 'http'}://{host}:{self.server_port}"
        self.clock = clock
        self.thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    wbufsize = -1  # sends head and body together: a second packet would wait for the acknowledgement of the first

    def do_GET(self):
        length = int(self.headers.get("Content-Length", 0))
        if length > MOST_BODY:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        self.send_reply(self.server.reply_to(self.command, self.path, self.headers, body))

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def send_reply(self, reply):
        if reply.manner == "lost":
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        now = (reply.date or self.server.clock.now()) + self.server.skew()
        self.send_header("Date", email.utils.formatdate(now, usegmt=True))
        for name, value in reply.headers:
            self.send_header(name, value)
        if not self.server.keeps_connections or reply.manner == "cut":
            self.send_header("Connection", "close")
        if reply.manner == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.send_body(reply.body, reply.manner)
        self.wfile.flush()

    def send_body(self, body, manner):
        if manner == "cut":
            body = body[:len(body) // 2]
        elif manner == "chunked":
            middle = len(body) // 2
            parts = [part for part in (body[:middle], body[middle:]) if part]
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))
        if manner != "slow":
            self.wfile.write(body)
            return
        size = len(body) // DRIP + 1
        for at in range(0, len(body), size):
            self.wfile.write(body[at:at + size])
            self.wfile.flush()
            time.sleep(0.005)

    def handle(self):
        with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError):  # the client has disconnected
            super().handle()

    def finish(self):
        with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError):
            super().finish()

    def log_message(self, *_):
        pass
