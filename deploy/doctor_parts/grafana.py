"""Checks Grafana: its data sources, its dashboards and the files with its secrets."""

import json
import re
import urllib.parse
from pathlib import Path

import yaml
from report import FAILED, Failed, check_clock

FILE = re.compile(r"\$__file\{([^{}]+)\}")
LIMIT = 5000  # dashboards in one request
# Grafana has no health check for it, so its status is requested through Grafana's proxy.
ASKED_BY_PROXY = {"alertmanager": "api/v2/status"}


def check_grafana(report, grafana, root):
    health = grafana.json("/api/health")
    report.judge("Grafana", [] if health.get("database") == "ok" else [f"its database is {health.get('database')}"],
                 f"{health.get('version', 'unknown version')}", "check its log")
    check_clock(report, grafana)
    check_sources(report, grafana, root)
    uids = {found["uid"] for found in grafana.json(f"/api/search?type=dash-db&limit={LIMIT}")}
    files = {json.loads(path.read_text())["uid"]: path.stem for path in root.glob("grafana/dashboards/**/*.json")}
    report.judge("dashboards", sorted(f"{name} is missing" for uid, name in files.items() if uid not in uids),
                 f"all {len(files)} found",
                 "check that the token can see their folders, and that Grafana reads grafana/provisioning")


def check_sources(report, grafana, root):
    sources = {source["uid"]: source for source in grafana.json("/api/datasources")}
    for uid, name in shipped_sources(root).items():
        if uid not in sources:
            report.add(FAILED, f"data source {name}", f"no data source has the uid {uid}",
                       "check that Grafana reads grafana/provisioning; dashboards refer to the uid")
    for uid, source in sources.items():
        check, answer = f"data source {source['name']}", ask_source(grafana, uid, source["type"])
        report.judge(check, [answer] if answer else [], "answers", f"can Grafana reach {source['url']}?")


def shipped_sources(root):
    files = sorted(root.glob("grafana/provisioning/datasources/*.yml"))
    return {source["uid"]: source["name"] for path in files for source in yaml.safe_load(path.read_text())["datasources"]}


def ask_source(grafana, uid, kind):
    """The problem with a data source; empty if it answers."""
    path = f"/api/datasources/uid/{urllib.parse.quote(uid)}/health"
    if kind in ASKED_BY_PROXY:
        path = f"/api/datasources/proxy/uid/{urllib.parse.quote(uid)}/{ASKED_BY_PROXY[kind]}"
    try:
        answer = grafana.json(path)
    except Failed as failed:
        return str(failed)
    return "" if kind in ASKED_BY_PROXY or answer.get("status") == "OK" else str(answer.get("message"))


def check_secrets(report, files, root):
    """Checks the files on the command line, and those in the configuration that exist on this machine."""
    named = [Path(name) for path in [*root.glob("grafana/provisioning/**/*.y*ml"), root / "grafana/grafana.ini"]
             for name in FILE.findall(path.read_text())]
    problems, read = [], 0
    for path in {*files, *(path for path in named if is_file(path))}:
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path}: {getattr(error, 'strerror', None) or 'is not text'}")
            continue
        read += 1
        if "$" in text:
            problems.append(f"{path} contains a $, where Grafana silently truncates it")
    if problems or read:
        report.judge("Grafana's secrets", sorted(problems), f"{read} files, none contains a $",
                     "create a new secret without a $")


def is_file(path):
    try:
        return path.is_file()
    except PermissionError:
        return True
