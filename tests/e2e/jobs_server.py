"""The job server that examples/exporter reads: its queues, and its finished jobs page by page. As a
program, it serves until it is interrupted."""

import datetime
import http.server
import json
import socket
import threading
import urllib.parse


def job(identity, queue, outcome, seconds, minutes_ago):
    """A job that finished that many minutes ago."""
    finished = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes_ago)
    return {"id": identity, "queue": queue, "outcome": outcome, "seconds": seconds,
            "finished_at": finished.isoformat()}


class JobsServer(http.server.ThreadingHTTPServer):
    """Serves on a free port until the end of the block, except while it is down."""

    daemon_threads = True

    def __init__(self, token, queues, jobs):
        self.token, self.queues, self.jobs = token, queues, jobs
        self.answered = {"/v1/queues": 0, "/v1/finished": 0}
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._serve()

    def _serve(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def go_down(self):
        """Refuses connections, and keeps its port."""
        self.shutdown()
        self.socket.close()
        self.socket = socket.socket()
        self.server_bind()

    def come_up(self):
        self.server_activate()
        self._serve()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        if self.headers["Authorization"] != f"Bearer {self.server.token}":
            self.send_error(401)
            return
        if url.path == "/v1/queues":
            self._reply({"queues": self.server.queues})
        elif url.path == "/v1/finished":
            try:
                after, limit = int(query["after"] or 0), int(query["limit"])
            except (KeyError, ValueError) as error:
                self.send_error(400, repr(error))
                return
            jobs = list(self.server.jobs)
            page = jobs[after : after + limit]
            last = after + len(page)
            self._reply({"jobs": page, "last": last, "has_more": last < len(jobs)})
        else:
            self.send_error(404)
            return
        self.server.answered[url.path] += 1

    def _reply(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    with JobsServer("secret", [{"name": "mail", "waiting": 3, "running": 1}],
                    [job("a", "mail", "success", 4, 10), job("b", "mail", "error", 30, 5)]) as server:
        print(f"{server.url}, token: secret", flush=True)
        threading.Event().wait()
