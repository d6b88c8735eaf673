"""Panels of dashboards that ask the store of logs, by VictoriaLogs' plugin of Grafana."""

LOGS = {"type": "victoriametrics-logs-datasource", "uid": "${logs}"}
# What a panel asks, by the query's type, and where the store answers that.
PATHS = {"instant": "query", "stats": "stats_query", "statsRange": "stats_query_range"}
KEYS = {"datasource", "editorMode", "expr", "legendFormat", "maxLines", "queryType", "refId"}


def log_queries(panels):
    """The title of each panel that asks the store, and its query."""
    for panel in panels:
        if panel.get("datasource") == LOGS:
            yield from ((panel["title"], target) for target in panel.get("targets") or [])


def check_log_queries(panel, problem):
    """Whether each query gives what the panel shows: lines, numbers, or numbers over time."""
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
