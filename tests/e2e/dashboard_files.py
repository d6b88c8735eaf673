"""Checks of Grafana's dashboards that need no data, and the queries in them."""

import collections
import itertools
import json
import re

from dashboard_logs import LOGS, check_log_queries
from dashboard_project import Records, alerts, scrape_intervals, selectors
from dashboard_view import seconds

RUNBOOKS = (
    "https://github.com/data-platform-exporters/data-platform-exporters/blob/main/docs/runbooks/"
)
# A link to the page that is in a label of the row.
PAGE_OF_ROW = "${__value.raw}"
TAG = "data-platform"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
BUILT_IN = {"type": "grafana", "uid": "-- Grafana --"}
WINDOWS = {"$__rate_interval", "$__range"}
# An instant query shows the same for any range of the dashboard. The duration of a state is measured once
# per minute.
WINDOWS_OF_INSTANTS = {"5m", "$__range", "$__range:1m"}
PANEL_TYPES = {
    "bargauge", "barchart", "gauge", "heatmap", "logs", "row", "stat", "state-timeline", "status-history",
    "table", "text", "timeseries",
}  # fmt: skip
UNITS = {
    "Bps", "binBps", "bps", "bytes", "celsius", "currencyUSD", "dateTimeFromNow", "decbytes",
    "dtdurations", "eps", "hertz", "iops", "none", "ops", "percentunit", "pps", "reqps", "rps",
    "s", "short", "suffix: intervals",
}  # fmt: skip
DASHBOARD_KEYS = {
    "annotations", "description", "editable", "fiscalYearStartMonth", "graphTooltip", "id", "links",
    "liveNow", "panels", "preload", "refresh", "schemaVersion", "tags", "templating", "time",
    "timepicker", "timezone", "title", "uid", "version", "weekStart",
}  # fmt: skip
PANEL_KEYS = {
    "collapsed", "datasource", "description", "fieldConfig", "gridPos", "id", "links",
    "maxDataPoints", "options", "panels", "targets", "timeFrom", "title", "transformations", "type",
}  # fmt: skip
TARGET_KEYS = {
    "datasource", "editorMode", "expr", "format", "instant", "interval", "legendFormat", "range",
    "refId",
}  # fmt: skip

Query = collections.namedtuple("Query", "file place expr instant least points", defaults=(None, None))


def flatten(panels):
    """All panels, including those in collapsed rows."""
    for panel in panels:
        yield panel
        yield from panel.get("panels") or []


def urls(value):
    """All values of keys `url`; in transformations, `url` is the name of a label."""
    children = value if isinstance(value, list) else []
    if isinstance(value, dict):
        children = [child for key, child in value.items() if key != "transformations"]
    if isinstance(value, dict) and value.get("url"):
        yield value["url"]
    for child in children:
        yield from urls(child)


class Dashboard:
    def __init__(self, path):
        self.path = path
        self.text = path.read_text()
        self.body = json.loads(self.text)
        self.uid = self.body.get("uid")
        self.panels = list(flatten(self.body.get("panels") or []))
        self.variables = (self.body.get("templating") or {}).get("list") or []
        self.annotations = (self.body.get("annotations") or {}).get("list") or []

    def queried_variables(self):
        """The variables whose values are queried from Prometheus."""
        return [variable for variable in self.variables
                if variable.get("type") == "query" and variable.get("datasource") != LOGS]

    def panel_queries(self):
        for panel in self.panels:
            for target in panel.get("targets") or []:
                if panel.get("datasource") == LOGS:
                    continue
                place = f"{panel.get('title')} {target.get('refId')}"
                yield Query(self.path.name, place, target.get("expr", ""), bool(target.get("instant")),
                            seconds(target.get("interval")), panel.get("maxDataPoints"))

    def annotation_queries(self):
        for annotation in self.annotations:
            if annotation.get("datasource") != BUILT_IN:
                place = f"annotation {annotation.get('name')}"
                yield Query(self.path.name, place, annotation.get("expr", ""), False)


class Checker:
    """Checks all dashboards of a project. `found` has one line per problem."""

    def __init__(self, root):
        self.root = root
        self.found = []
        self.intervals = scrape_intervals(root)
        self.records = Records(root)
        self.dashboards = []
        for path in sorted((root / "grafana/dashboards").rglob("*.json")):
            try:
                self.dashboards.append(Dashboard(path))
            except json.JSONDecodeError as error:
                self.problem(path, f"line {error.lineno}: {error.msg}")
        if not self.dashboards:
            self.problem(root / "grafana/dashboards", "has no dashboards")
        self.uids = {board.uid: board for board in self.dashboards}

    def problem(self, path, text):
        self.found.append(f"{path.relative_to(self.root)}: {text}")

    def check(self):
        for board in self.dashboards:
            self.check_dashboard(board)
            self.check_variables(board)
            self.check_annotations(board)
            self.check_links(board)
            self.check_grid(board)
            self.check_names(board)
            for panel in board.panels:
                if panel.get("type") != "row":
                    self.check_panel(board, panel)
        self.check_alert_links()

    def check_dashboard(self, board):
        def problem(text):
            self.problem(board.path, text)

        body = board.body
        if board.text != json.dumps(body, indent=2, ensure_ascii=False) + "\n":
            problem("is not formatted as json.dumps(…, indent=2, ensure_ascii=False) does it")
        for key in sorted(set(body) - DASHBOARD_KEYS):
            problem(f"has the key {key}, which does not belong into a file")
        if body.get("id") is not None:
            problem("has an id: that is the database's")
        if board.uid != "dpe-" + board.path.stem.replace("_", "-"):
            problem(f"its uid must be dpe-{board.path.stem.replace('_', '-')}")
        if not isinstance(body.get("schemaVersion"), int) or not 39 <= body["schemaVersion"] <= 42:
            problem("its schemaVersion must be between 39 and 42")
        for key in ("title", "description", "refresh"):
            if not body.get(key):
                problem(f"has no {key}")
        if [other.body.get("title") for other in self.dashboards].count(body.get("title")) > 1:
            problem("another dashboard has the same title")
        if TAG not in (body.get("tags") or []):
            problem(f"has no tag {TAG}")

    def check_variables(self, board):
        by_name = {variable.get("name"): variable for variable in board.variables}
        if list(by_name)[:4] != ["datasource", "environment", "job", "instance"]:
            self.problem(board.path, "its first variables must be datasource, environment, job and instance")
            return
        source = by_name["datasource"]
        if (source.get("type"), source.get("query")) != ("datasource", "prometheus"):
            self.problem(board.path, "variable datasource must choose among Prometheus data sources")
        for variable in board.variables:
            name = variable["name"]
            if variable.get("type") == "query" and variable.get("datasource") not in (DATASOURCE, LOGS):
                self.problem(board.path, f"variable {name} does not ask $datasource or $logs")
            if name in ("environment", "job", "instance"):
                # A target may lack the label `environment`.
                wanted = {"type": "query", "multi": True, "includeAll": True,
                          "allValue": ".*" if name == "environment" else ".+"}
                for key, value in wanted.items():
                    if variable.get(key) != value:
                        self.problem(board.path, f"variable {name}: {key} must be {value}")

    def check_annotations(self, board):
        for annotation in board.annotations:
            if annotation.get("datasource") not in (DATASOURCE, BUILT_IN):
                self.problem(board.path, f"annotation {annotation.get('name')} does not ask $datasource")
        if not any(query.expr.startswith("ALERTS{") for query in board.annotation_queries()):
            self.problem(board.path, "has no annotation of firing alerts")

    # -- links

    def check_links(self, board):
        ours = [link for link in board.body.get("links") or [] if link.get("type") == "dashboards"]
        if not any(link.get("tags") == [TAG] for link in ours):
            self.problem(board.path, f"has no link to the dashboards with the tag {TAG}")
        for link in ours:
            if not (link.get("keepTime") and link.get("includeVars")):
                self.problem(board.path, f"link {link.get('title')}: must keep time and variables")
        for url in urls(board.body):
            if url != PAGE_OF_ROW:
                self.check_url(board.path, url)

    def check_url(self, path, url):
        if url.startswith(RUNBOOKS):
            page = url.removeprefix(RUNBOOKS)
            if "${" not in page and not (self.root / "docs/runbooks" / page).exists():
                self.problem(path, f"there is no page docs/runbooks/{page}")
            return
        link = re.fullmatch(r"/d/([\w-]+)(?:\?(.*))?", url)
        board = link and self.uids.get(link[1])
        if not board:
            self.problem(path, f"{url} leads nowhere")
            return
        names = {variable["name"] for variable in board.variables}
        for name in re.findall(r"\bvar-(\w+)=|\$\{(\w+):queryparam\}", link[2] or ""):
            if "".join(name) not in names:
                self.problem(path, f"{url}: {board.path.name} has no variable {''.join(name)}")

    def check_alert_links(self):
        for rule in alerts(self.root):
            url = (rule.get("annotations") or {}).get("dashboard_url")
            if url:
                self.check_url(rule["path"], re.sub(r"\{\{.*?\}\}", "x", url))

    # -- panels

    def check_grid(self, board):
        ids = [panel.get("id") for panel in board.panels]
        for number in sorted({number for number in ids if ids.count(number) > 1}, key=str):
            self.problem(board.path, f"several panels have the id {number}")
        top = [panel for panel in board.body.get("panels") or []]
        for siblings in [top, *(panel.get("panels") or [] for panel in top)]:
            for one, other in itertools.combinations(siblings, 2):
                if overlap(one["gridPos"], other["gridPos"]):
                    self.problem(board.path, f"{one['title']} and {other['title']} overlap")
            for panel in siblings:
                grid = panel["gridPos"]
                if grid["x"] + grid["w"] > 24 or not 1 <= grid["h"] <= 12:
                    self.problem(board.path, f"{panel['title']}: does not fit, or is oversized")

    def check_names(self, board):
        """A stat and a time series with the same name have the same query."""
        numbers = {panel.get("title", "").lower(): [target.get("expr") for target in panel["targets"]]
                   for panel in board.panels if panel.get("type") == "stat"}  # fmt: skip
        for panel in board.panels:
            for target in panel.get("targets") or []:
                name = (target.get("legendFormat") or "").lower()
                if name in numbers and target.get("expr") not in numbers[name]:
                    self.problem(board.path, f"{panel['title']}: {name} is another query than that of"
                                 " the stat")  # fmt: skip

    def check_panel(self, board, panel):
        def problem(text):
            self.problem(board.path, f"{panel.get('title') or panel.get('id')}: {text}")

        for key in sorted(set(panel) - PANEL_KEYS):
            problem(f"unknown key {key}")
        if panel.get("type") not in PANEL_TYPES:
            problem(f"unknown type {panel.get('type')}")
        if not panel.get("title"):
            problem("has no title")
        if not str(panel.get("description") or "").endswith("."):
            problem("has no description that ends with a full stop")
        if panel.get("type") == "text":
            return
        if panel.get("datasource") not in (DATASOURCE, LOGS):
            problem("does not ask $datasource or $logs")
        field_config = panel.get("fieldConfig") or {}
        units = [(field_config.get("defaults") or {}).get("unit")]
        for item in field_config.get("overrides") or []:
            units += [entry["value"] for entry in item["properties"] if entry["id"] == "unit"]
        for unit in units:
            if unit not in UNITS:
                problem(f"unit {unit} is not in the list of those that Grafana knows")
        targets = panel.get("targets") or []
        names = [target.get("refId") for target in targets]
        if not names or len(set(names)) != len(names):
            problem("must have queries, each with a refId of its own")
        if panel.get("datasource") == LOGS:
            check_log_queries(panel, problem)
            return
        for target in targets:
            self.check_target(board, panel, target, problem)
            self.check_step(board, target, problem)
        self.check_limits(panel, problem)
        self.check_columns(panel, problem)

    def check_target(self, board, panel, target, problem):
        where = f"query {target.get('refId')}"
        for key in sorted(set(target) - TARGET_KEYS):
            problem(f"{where}: unknown key {key}")
        if target.get("datasource") != DATASOURCE:
            problem(f"{where} does not ask $datasource")
        if panel.get("type") == "timeseries" and target.get("legendFormat") in (None, "", "__auto"):
            problem(f"{where} has no legend")
        windows = WINDOWS_OF_INSTANTS if target.get("instant") else WINDOWS
        for selector in selectors(target.get("expr", "")):
            if selector.window is not None and selector.window.strip() not in windows:
                problem(f"{where}: window [{selector.window}] is none of {', '.join(sorted(windows))}")
            if selector.metric.startswith("threshold:"):
                continue
            for label, matcher in self.wanted_matchers(board, selector.metric):
                if not re.search(matcher, selector.matchers):
                    problem(f'{where}: {selector.metric} is without {label}')

    @staticmethod
    def wanted_matchers(board, metric):
        """The matchers that a metric needs, as label and pattern. Containers on the dashboard of another
        job are selected by name, and units, which have no name, by id."""
        yield 'environment=~"$environment"', r'\benvironment=~"\$environment\b'
        if metric.startswith("container_") and any(
                variable["name"] == "container" for variable in board.variables):
            yield 'name=~"$container"', r'\bname=~"\$container\b|\bname="", id=~"'
            return
        for name in ("job", "instance"):
            yield f'{name}=~"${name}"', rf'\b{name}=~"\${name}\b'

    def check_columns(self, panel, problem):
        """A column that links to runbooks has firing alerts, not pending ones; a column whose values are
        URLs has a label that contains URLs."""
        original = {
            new: old
            for transformation in panel.get("transformations") or []
            for old, new in (transformation["options"].get("renameByName") or {}).items()
        }
        exprs = [target.get("expr", "") for target in panel.get("targets") or []]
        for item in (panel.get("fieldConfig") or {}).get("overrides") or []:
            column, linked = item["matcher"]["options"], list(urls(item))
            label = original.get(column, column)
            if PAGE_OF_ROW in linked and label != "url":
                problem(f"column {column} leads to its own values, and is not the label url")
            if not any(url.startswith(RUNBOOKS + "${__value") for url in linked):
                continue
            if label != "alertname" or "ALERTS" not in "".join(exprs):
                problem(f"column {column} leads to runbooks, and is not the alertname of ALERTS")

    def check_step(self, board, target, problem):
        """Grafana derives $__rate_interval from the query's minimum step, or from the data source, which
        has one interval for all jobs; the minimum step of the panel has no effect on it."""
        where, expr = f"query {target.get('refId')}", target.get("expr", "")
        if re.search(r"\bincrease\(", expr):
            problem(f"{where}: increase() estimates; count by the difference to an earlier value")
        if target.get("instant"):
            if "$__interval" in expr:
                problem(f"{where}: $__interval of what is asked for one time")
            return
        least, wanted = seconds(target.get("interval")) or 0, self.longest_interval(board)
        if least < wanted:
            problem(f"{where}: its interval must be at least {wanted}s, as its jobs are scraped")

    def longest_interval(self, board):
        """The longest interval of the jobs that the dashboard shows by default."""
        chosen = next((variable.get("current", {}).get("value") for variable in board.variables
                       if variable.get("name") == "job"), None)  # fmt: skip
        jobs = [job for job in self.intervals if job in (chosen or [])] or self.intervals
        return max(self.intervals[job] for job in jobs)

    def check_limits(self, panel, problem):
        """A panel with a metric that an alert compares with a limit shows that limit and links to the runbook."""
        metrics = {
            selector.metric
            for target in panel.get("targets") or []
            for selector in selectors(target.get("expr", ""))
        }
        for target in panel.get("targets") or []:
            line = re.match(r"(warning|critical) ", target.get("legendFormat") or "")
            for metric in {item.metric for item in selectors(target.get("expr", ""))} if line else ():
                if metric.startswith("threshold:") and line[1] not in self.records.severities[metric]:
                    problem(f"{metric} is no limit of a {line[1]}")
        drawn = {step["value"] for steps in thresholds(panel.get("fieldConfig")) for step in steps}
        linked = set(urls(panel))
        for metric in sorted(metrics):
            limit = self.records.limit_of(metric)
            if not limit:
                continue
            value, name = limit
            # For counts, a limit of 0 may be drawn as 1.
            if name not in metrics and value not in drawn and not (value == 0 and 1 in drawn):
                problem(f"shows {metric} without the limit of its alert, {value:g}")
            pages = {f"{RUNBOOKS}{alert}.md" for alert in self.records.alerts[name]}
            if pages and not pages & linked:
                problem(f"shows {metric} without a link to the runbook of its alert")


def thresholds(value):
    """The steps of all thresholds in a value."""
    if isinstance(value, dict):
        if isinstance(value.get("steps"), list):
            yield value["steps"]
        for child in value.values():
            yield from thresholds(child)
    elif isinstance(value, list):
        for child in value:
            yield from thresholds(child)


def overlap(one, other):
    return (
        one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]
    )  # fmt: skip
