"""Checks each query of the dashboard of logs, as sent by Grafana's plugin."""

import json
import pathlib
import re
import time
import urllib.parse

from dashboard_files import Dashboard
from dashboard_logs import PATHS, log_queries
from store import days_ago, get, poll, require

ROOT = pathlib.Path(__file__).resolve().parents[3]


def ask(stack, target):
    """The reply to a query of the dashboard for the last hour of all programs, as sent by Grafana's plugin."""
    now = time.time()
    expr = target["expr"].replace("$app", "*")
    if target["queryType"] == "stats":
        expr = f"_time:1h {expr}"
    parameters = {"query": expr, "start": now - 3600, "end": now + 60, "step": "60s", "limit": 1000}
    text = get(f"{stack.url('store')}/select/logsql/{PATHS[target['queryType']]}?{urllib.parse.urlencode(parameters)}")
    if target["queryType"] == "instant":
        return [json.loads(line)["_msg"] for line in text.splitlines()]
    return [one["metric"] | {"": max(float(value) for _, value in one.get("values") or [one["value"]])}
            for one in json.loads(text)["data"]["result"]]


def check_dashboard(stack):
    """Checks that each panel of the dashboard returns what it must show, with the names in its legend."""
    change = {"ts": days_ago(0), "msg": "Request Completed", "kind": "audit", "attrs.app": "grafana", "uname": "ann",
              "method": "POST", "path": "/api/dashboards/db", "status": 200, "remote_addr": "192.0.2.3"}
    slow = {"ts": days_ago(0), "msg": "", "kind": "audit", "attrs.app": "prometheus", "params.query": "slow",
            "httpRequest.clientIP": "192.0.2.4", "stats.timings.evalTotalTime": 12.5}
    lines = [change, change | {"path": "/api/ds/query"}, slow, slow | {"params.query": "rule", "ruleGroup.name": "g"},
             {"ts": days_ago(0), "msg": "slow", "kind": "log", "level": "warn"}]
    stack.insert(*(line | {"inserted": "yes"} for line in lines))
    # A stream becomes searchable by name a moment after its lines.
    for stream, wanted in (('{kind="log"}', 1), ('{kind="audit",attrs.app="grafana"}', 2),
                           ('{kind="audit",attrs.app="prometheus"}', 2)):
        poll(lambda what=f"{stream} inserted:=yes", wanted=wanted: stack.count(what) == wanted, f"{stream} is stored")
    queries = dict(log_queries(Dashboard(ROOT / "grafana/dashboards/logs.json").panels))
    found = {title: ask(stack, target) for title, target in queries.items()}
    for title, target in queries.items():
        names = set(re.findall(r"{{(.+?)}}", target.get("legendFormat", "")))
        is_shown = any(one[""] if isinstance(one, dict) else one for one in found[title])
        require(is_shown and all(names <= set(one) for one in found[title] if names), f"{title}: {names} of {found[title]}")
    check_values(found)


def check_values(found):
    """Checks that the panels show only what this test logged."""
    require(found["Errors"][0][""] == 23, f"errors: {found['Errors']}")
    require(found["Refused requests"][0][""] == 42, f"refused requests: {found['Refused requests']}")
    require({one["client"] for one in found["Refused requests by client"]} == {"192.0.2.1", "192.0.2.2"},
            f"clients: {found['Refused requests by client']}")
    require({one["attrs.app"] for one in found["Errors and warnings"]}
            == {"a file", "airflow_exporter", "alertmanager", "dbt_exporter"}, f"{found['Errors and warnings']}")
    slowest = found["Slowest queries"]
    require((slowest[0]["params.query"], slowest[0][""]) == ("slow", 12.5), f"slowest: {slowest}")
    require("rule" not in {one["params.query"] for one in slowest}, f"queries of rules are shown: {slowest}")
    changes = found["Last changes in Grafana"]
    require(changes == ["ann POST /api/dashboards/db 200 from 192.0.2.3"], f"changes: {changes}")
