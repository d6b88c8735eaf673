"""The recorded answers of two Airflows as if they were given now: their runs end, and soon after end again."""

import contextlib
import datetime
import email.utils
import json
import re
import time

import support
import yaml
from airflow_replay import Replay

AGAIN = 20  # seconds from when the runs ended to when they end again
FAILS = "consumer"  # a DAG whose runs fail
STAMP = re.compile(r'(?<=")\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)(?=")')
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def seconds_of(stamp):
    return (datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")) - EPOCH).total_seconds()


def moved(body, seconds):
    """The body with all its times so much later. Times in ids are as they were."""
    def later(match):
        return (EPOCH + datetime.timedelta(seconds=seconds_of(match[0]) + seconds)).isoformat()

    return STAMP.sub(later, body)


class Now(Replay):
    """A deployment of one version, without a login."""

    def __init__(self, version):
        self.started = time.time()
        super().__init__(version)

    def become(self, version):
        super().become(version)
        request = next(name for name in self.replies if "updated_at_gte" in name)
        runs = json.loads(self.replies[request][2])["dag_runs"]
        self.ended = [run for run in runs if run["end_date"]]
        self.newest = max(seconds_of(run["end_date"]) for run in self.ended)

    def reply_to(self, request):
        times = int((time.time() - self.started) / AGAIN)
        if "updated_at_gte" in request:
            return self.rows("dag_runs", self.runs(), times)
        if request.endswith("/taskInstances/list"):
            return self.rows("task_instances", [task_of(run, times) for run in self.runs()], times)
        status, headers, body = super().reply_to(request)
        return status, stamped(headers), moved(body.decode(), self.late(0)).encode()

    def rows(self, name, rows, times):
        body = json.dumps({name: rows, "total_entries": len(rows)})
        return 200, stamped([["content-type", "application/json"]]), moved(body, self.late(times)).encode()

    def late(self, times):
        """By how much the newest run ended later than it was recorded."""
        return self.started + AGAIN * times - self.newest

    def runs(self):
        return [{**run, "state": "failed"} if run["dag_id"] == FAILS else run for run in self.ended]


def stamped(headers):
    """With the present time, and without the length of what was recorded."""
    kept = [header for header in headers if header[0].lower() not in ("date", "content-length")]
    return [*kept, ["date", email.utils.formatdate(usegmt=True)]]


def task_of(run, times):
    """Its only task; each time that the run ends, it is the next try."""
    stamps = {key: run["start_date"] for key in ("start_date", "queued_when", "scheduled_when")}
    return {**stamps, "id": f"{run['dag_run_id']} {times}", "dag_id": run["dag_id"], "dag_run_id": run["dag_run_id"],
            "task_id": "load", "map_index": -1, "end_date": run["end_date"], "duration": 1.0, "state": run["state"],
            "try_number": times + 1, "max_tries": times, "pool": "default_pool", "queue": "default"}  # fmt: skip


@contextlib.contextmanager
def exporter(folder):
    """airflow_exporter beside both, and beside one that does not answer."""
    with Now("3.3") as new, Now("2.11") as old:
        config = folder / "airflow_exporter.yml"
        config.write_text(yaml.safe_dump({"deployments": [
            {"name": "prod", "url": new.url, "bearer_token": "x"},
            {"name": "old", "url": old.url, "username": "x", "password": "x"},
            {"name": "gone", "url": "http://127.0.0.1:1", "bearer_token": "x"}]}))
        flags = [f"--collector.{name}.interval=2s" for name in
                 ("health", "dags", "dag_warnings", "import_errors", "pools", "runs")]
        with support.Exporter(f"--config.file={config}", "--collector.runs.by-task", *flags, name="airflow_exporter") as process:
            yield process
