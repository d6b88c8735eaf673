"""The Admin API of dbt Cloud, as far as dbt_exporter uses it: two jobs, and runs without artifacts."""

import datetime
import http.server
import json
import threading
import urllib.parse

ACCOUNT, TOKEN = 1, "secret"
JOBS = [{"id": 11, "name": "Hourly", "project_id": 2, "environment_id": 3},
        {"id": 12, "name": "Nightly", "project_id": 2, "environment_id": 3}]
NAMES = {"projects": [{"id": 2, "name": "Shop"}], "environments": [{"id": 3, "name": "Production"}]}
QUEUED, RUNNING, SUCCESS, ERROR = 1, 3, 10, 20


def run(identity, job, status, minutes_ago):
    """A run that was requested that many minutes ago, and took five minutes if it has ended."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def at(minutes, holds):
        return str(now + datetime.timedelta(minutes=minutes - minutes_ago)) if holds else None

    return {"id": identity, "job_definition_id": job, "status": status, "artifacts_saved": False,
            "created_at": at(0, True), "started_at": at(1, status > QUEUED),
            "finished_at": at(6, status >= SUCCESS), "run_steps": []}


class Cloud(http.server.ThreadingHTTPServer):
    """Serves on a free port until the end of the block."""

    daemon_threads = True

    def __init__(self):
        self.runs = [run(100, 12, SUCCESS, 700), run(101, 11, SUCCESS, 90), run(102, 11, ERROR, 30),
                     run(103, 11, RUNNING, 4), run(104, 12, QUEUED, 2)]
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end_runs(self):
        """Adds two runs that have ended."""
        self.runs += [run(105, 11, SUCCESS, 10), run(106, 11, ERROR, 8)]

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        version, _, account, *what = url.path.strip("/").removeprefix("api/").split("/")
        if (self.headers["Authorization"], account) != (f"Token {TOKEN}", str(ACCOUNT)):
            self.send_error(401)
        elif version == "v3":
            self._reply(NAMES[what[0]])
        elif what == ["jobs"]:
            self._reply(JOBS)
        elif what == ["runs"]:
            self._reply(self._select(dict(urllib.parse.parse_qsl(url.query))))
        else:
            found = [each for each in self.server.runs if [str(each["id"])] == what[1:]]
            self._reply(found[0]) if found else self.send_error(404)

    def _select(self, query):
        chosen = [each for each in self.server.runs
                  if each["id"] > int(query.get("id__gt", 0))
                  and query.get("status", str(each["status"])) == str(each["status"])
                  and query.get("job_definition_id", str(each["job_definition_id"]))
                  == str(each["job_definition_id"])]
        chosen.sort(key=lambda each: each["id"], reverse=query["order_by"] == "-id")
        begin = int(query.get("offset", 0))
        return chosen[begin : begin + int(query["limit"])]

    def _reply(self, data):
        body = json.dumps({"status": {"code": 200, "is_success": True}, "data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
