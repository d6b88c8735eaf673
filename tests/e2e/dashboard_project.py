"""The project's Prometheus configuration, as far as dashboards depend on it."""

import collections
import re
import sys
from pathlib import Path

import yaml
from dashboard_view import seconds

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "alerts"))
from promql import LABEL_LISTS, TOKEN, WORDS  # noqa: E402

Selector = collections.namedtuple("Selector", "metric matchers window")


def selectors(expr):
    """The vector selectors of an expression: metric, text of the matchers, text of the window."""
    found, parts = [], list(TOKEN.finditer(expr))
    index = 0
    while index < len(parts):
        word, index = parts[index].group(), index + 1
        follows = parts[index].group() if index < len(parts) else ""
        if word.lower() in LABEL_LISTS and follows == "(":
            while parts[index].group() != ")":
                index += 1
        if expr[: parts[index - 1].start()].endswith("$"):
            continue  # offset $__interval
        if parts[index - 1].lastgroup != "name" or follows == "(" or word.lower() in WORDS:
            if word == "[" and found:
                end = expr.index("]", parts[index - 1].end())
                found[-1] = found[-1]._replace(window=expr[parts[index - 1].end() : end])
                while index < len(parts) and parts[index].start() < end:
                    index += 1
            continue
        matchers = ""
        if follows == "{":
            start = parts[index].end()
            while parts[index].group() != "}":
                index += 1
            matchers, index = expr[start : parts[index].start()], index + 1
        found.append(Selector(word, matchers, None))
    return found


def scrape_intervals(root):
    """The seconds between two scrapes of each job."""
    body = yaml.safe_load((root / "prometheus/prometheus.yml").read_text())
    default = body["global"]["scrape_interval"]
    return {job["job_name"]: seconds(job.get("scrape_interval", default))
            for job in body["scrape_configs"]}  # fmt: skip


def alerts(root):
    """The alert rules of the project, each with the path of its file."""
    for path in sorted((root / "alerts").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                yield {"path": path, **rule}


class Records:
    """The recording rules of the project; for thresholds, also the values, the alerts and their severities."""

    def __init__(self, root):
        self.names, self.limits = set(), {}
        self.alerts, self.severities = collections.defaultdict(set), collections.defaultdict(set)
        for path in sorted((root / "prometheus/rules").glob("*.yml")):
            for group in yaml.safe_load(path.read_text())["groups"]:
                for rule in group["rules"]:
                    self._add(rule["record"], rule["expr"])
        for rule in alerts(root):
            for selector in selectors(rule["expr"]):
                self.alerts[selector.metric].add(rule["alert"])
                self.severities[selector.metric].add(rule.get("labels", {}).get("severity"))

    def _add(self, name, expr):
        self.names.add(name)
        limit = re.fullmatch(r"vector\(([\d. *]+)\)", expr)
        if name.startswith("threshold:") and limit:
            factors = [float(factor) for factor in limit[1].split("*")]
            value = 1.0
            for factor in factors:
                value *= factor
            self.limits[name.removeprefix("threshold:")] = value

    def limit_of(self, metric):
        """The limit that an alert compares a recorded metric with, and its name; None without one."""
        level, _, rest = metric.partition(":")
        name = f"threshold:{rest}"
        is_compared = level and rest in self.limits and name in self.alerts
        return (self.limits[rest], name) if is_compared else None
