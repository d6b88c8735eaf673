"""The metrics that dashboards may query."""

import re
import subprocess

import support
from dashboard_files import Query
from dashboard_project import selectors

OF_PROMETHEUS = {
    "ALERTS", "ALERTS_FOR_STATE", "alertmanager_alerts", "alertmanager_notifications_failed_total",
    "alertmanager_notifications_total", "alertmanager_silences", "prometheus_config_last_reload_successful",
    "prometheus_rule_evaluation_failures_total", "scrape_duration_seconds",
    "scrape_samples_scraped", "up",
}  # fmt: skip


class KnownMetrics:
    """The names that exporters' binaries, recording rules, Prometheus and Alertmanager produce."""

    def __init__(self, root, records):
        self.names = OF_PROMETHEUS | records.names
        self.patterns = []
        for binary in sorted(support.EXPORTER.parent.glob("*_exporter")):
            self._read(subprocess.run([binary, "--metrics.list"], timeout=support.START, check=True,
                                      capture_output=True, text=True).stdout)

    def _read(self, markdown):
        for name, rest in re.findall(r"^\|\s*`([^`{]+)[^`]*`\s*\|(.*)", markdown, re.M):
            suffixes = ["", "_bucket", "_count", "_sum"] if "histogram" in rest else [""]
            if re.fullmatch(r"<\w+>", name):
                continue  # text files may contain any metric; no dashboard depends on them
            if "<" in name:
                self.patterns.append(re.compile(re.sub(r"<[^>]*>", r"\\w+", name)))
            else:
                self.names.update(name + suffix for suffix in suffixes)

    def __contains__(self, name):
        return name in self.names or any(pattern.fullmatch(name) for pattern in self.patterns)

    def problems(self, dashboards, expected):
        found, used = [], set()
        for query in queries(dashboards):
            for metric in dict.fromkeys(item.metric for item in selectors(query.expr)):
                entry = expected.metric(metric)
                if metric in self:
                    continue
                used.add(entry)
                if entry is None:
                    found.append(f"{query.file}: {query.place}: no exporter has {metric}")
        stale = [entry for entry in expected.metrics if entry not in used]
        return found + [f"{expected.path.name}: metrics: {entry} is not needed" for entry in stale]


def label_values(variable):
    """The metric and the label in a variable's query."""
    match = re.fullmatch(r"label_values\((?:(.+),\s*)?(\w+)\)", variable.get("query") or "", re.S)
    return match and (match[1] or "", match[2])


def queries(dashboards):
    """All queries of panels, annotations and variables."""
    for board in dashboards:
        yield from board.panel_queries()
        yield from board.annotation_queries()
        for variable in board.queried_variables():
            found = label_values(variable)
            place = f"variable {variable['name']}"
            yield Query(board.path.name, place, found[0] if found else "", True)
