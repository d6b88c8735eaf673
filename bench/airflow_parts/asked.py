"""Measures the cost of each of airflow_exporter's requests."""

import datetime
import json
import urllib.parse
import urllib.request

from deployment import BOUND, PASSWORD

TIMES = 5
LIVE = "&".join(f"state={state}" for state in (
    "running", "queued", "scheduled", "deferred", "up_for_retry", "up_for_reschedule", "restarting"))  # fmt: skip


def text_of(now, seconds):
    return urllib.parse.quote(f"{now - datetime.timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}")


def requests(dags):
    """For each request: its purpose, its path, its body, and the number of them in a cycle."""
    now = datetime.datetime.now(datetime.timezone.utc)
    changes = (f"/dags/~/dagRuns?state=success&state=failed&updated_at_gte={text_of(now, 95)}"
               f"&updated_at_lte={text_of(now, 5)}&order_by=id&limit=100&offset=0")  # fmt: skip
    twenty = {"dag_ids": [f"history_{i}" for i in range(20)], "page_limit": 100, "page_offset": 0,
              "dag_run_ids": [f"history__{i}" for i in range(20)]}  # fmt: skip
    pages = -(-dags // 100)
    return [
        ("health", "/monitor/health", None, "2"),
        ("pools", "/pools?limit=100", None, "1"),
        ("runs that have not ended", "/dags/~/dagRuns?state=running&state=queued&limit=100", None, "1"),
        ("task instances that have not ended", f"/dags/~/dagRuns/~/taskInstances?{LIVE}&limit=100", None, "1"),
        ("changes of runs due lately", f"{changes}&run_after_gte={text_of(now, 86400)}", None, "1"),
        ("changes of all runs", changes, None, "1/20"),
        ("import errors", "/importErrors?limit=100", None, "1/2"),
        ("warnings", "/dagWarnings?limit=100", None, "1/10"),
        ("100 DAGs", "/dags?limit=100&exclude_stale=false", None, f"{pages / 10:.1f}"),
        ("task instances of 20 runs", "/dags/~/dagRuns/~/taskInstances/list", twenty, "for each 20"),
    ]  # fmt: skip


def measure_requests(deployment):
    url = deployment.url("plugin")  # which is not used by anything else by now

    def ask(path, body, token=None):
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        request = urllib.request.Request(f"{url}{path}", data=body and json.dumps(body).encode(), headers=headers)
        with urllib.request.urlopen(request, timeout=BOUND) as reply:
            return json.load(reply)

    token = ask("/auth/token", {"username": "exporter", "password": PASSWORD})["access_token"]
    rows = []
    for name, path, body, often in requests(int(deployment.number("select count(*) from dag"))):
        answer = ask(f"/api/v2{path}", body, token)
        before = deployment.cpu_seconds("plugin")
        for _ in range(TIMES):
            ask(f"/api/v2{path}", body, token)
        api, database = (after - at for after, at in zip(deployment.cpu_seconds("plugin"), before))
        found = sum(len(value) for value in answer.values() if isinstance(value, list))
        rows.append((name, f"{api / TIMES * 1e3:.0f}", f"{database / TIMES * 1e3:.0f}", f"{found}", often))
    return rows
