#!/usr/bin/env python3
"""A server that replays the recorded answers of an Airflow: tests/fixtures/airflow/<version>/requests.tsv.

    tests/support/airflow_replay.py 3.3 8080     serves version 3.3 on that port until it is stopped
"""

import http.server
import pathlib
import sys
import threading

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "fixtures/airflow"


def recorded(version, name):
    """The status, the headers and the body in a file."""
    head, _, body = (FIXTURES / version / f"{name}.http").read_bytes().partition(b"\r\n\r\n")
    status, *headers = head.decode().split("\r\n")
    return int(status.split()[1]), [header.split(": ", 1) for header in headers], body


class Replay(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, version, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests = []  # first lines and credentials
        self.become(version)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def become(self, version):
        """Serves another version from now on."""
        lines = (FIXTURES / version / "requests.tsv").read_text().splitlines()
        self.replies = {request: recorded(version, name)
                        for request, name in (line.split("\t") for line in lines)}
        self.not_found = recorded(version, "not_found")

    def reply_to(self, request):
        """A recorded request that ends in * matches all with that prefix."""
        for recorded_request, reply in self.replies.items():
            if request == recorded_request or (
                    recorded_request.endswith("*") and request.startswith(recorded_request[:-1])):
                return reply
        return self.not_found

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = f"{self.command} {self.path}"
        self.server.requests.append((request, self.headers.get("Authorization", "")))
        status, headers, body = self.server.reply_to(request)
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    Replay(sys.argv[1], int(sys.argv[2]))
    threading.Event().wait()
