"""Checks panels that query the log store with VictoriaLogs' Grafana plugin."""

LOGS = {"type": "victoriametrics-logs-datasource", "uid": "${logs}"}
# The paths of the store for the query types of a panel.
PATHS = {"instant": "query", "stats": "stats_query", "statsRange": "stats_query_range"}
KEYS = {"datasource", "editorMode", "expr", "legendFormat", "maxLines", "queryType", "refId"}


def log_queries(panels):
    """The title and the query of each panel with logs."""
    for panel in panels:
        if panel.get("datasource") == LOGS:
            yield from ((panel["title"], target) for target in panel.get("targets") or [])


def check_log_queries(panel, problem):
    """Reports queries whose type does not match the panel: lines, numbers, or numbers over time."""
    wanted = {"logs": "instant", "timeseries": "statsRange"}.get(panel.get("type"), "stats")
    for target in panel.get("targets") or []:
        where = f"query {target.get('refId')}"
        for key in sorted(set(target) - KEYS):
            problem(f"{where}: unknown key {key}")
        if target.get("datasource") != LOGS:
            problem(f"{where} does not ask $logs")
        if target.get("queryType") != wanted:
            problem(f"{where}: its queryType must be {wanted}")
        if wanted != "instant" and not target.get("legendFormat"):
            problem(f"{where} has no legend")
