"""Checks what all dashboards have in common: their look, their shared variables, and links that pass these on."""

import re

from dashboard_files import PAGE_OF_ROW, RUNBOOKS, TAG, urls

LOOK = {
    "timezone": "browser", "editable": True, "graphTooltip": 1, "weekStart": "", "fiscalYearStartMonth": 0,
    "liveNow": False, "preload": False, "version": 1,
    "timepicker": {"refresh_intervals": ["30s", "1m", "5m", "15m", "1h"]},
}  # fmt: skip
REFRESH = ("1m", "5m")  # 5m for data that comes hours late
LINKS = [("Data platform", "dashboards", ""), ("Runbooks", "link", f"{RUNBOOKS}README.md")]
SHARED = ("datasource", "environment")
KEPT = ("${datasource:queryparam}", "${environment:queryparam}", "${__url_time_range}")
COLOR_OF_ALERTS = "rgba(255, 115, 131, 0.5)"
# The calculations in the legend of a chart by its style; min instead of max if low values are bad.
LEGENDS = {"line": (["lastNotNull", "mean", "max"], ["lastNotNull", "mean", "min"]), "bars": (["sum", "max"],)}
# Labels whose values have a meaning, for which a palette of colors would be misleading.
OF_MEANING = re.compile(r"\{\{(code|mode|outcome|phase|resource_type|severity|state|status)\}\}$")
# Panels that are empty without data.
LISTS = {"state-timeline", "status-history", "table", "timeseries"}
# Columns of tables that link to the page of their value.
LEADS = {"Account", "DAG", "Data set", "Deployment", "Host", "Instance", "Owner", "Owners", "Project", "Warehouse"}
COLOR_OF_LIMITS = {"warning": "orange", "critical": "red"}


def problems(root, dashboards):
    """The differences of each dashboard from the others, one per line."""
    for board in dashboards:
        where = board.path.relative_to(root)
        for text in (*_of_look(board.body), *_of_annotations(board), *_of_links(board), *_of_times(board),
                     *_of_charts(board), *_of_lists(board)):
            yield f"{where}: {text}"
    yield from _of_variables(root, dashboards)


def _of_look(body):
    for key, value in LOOK.items():
        if body.get(key) != value:
            yield f"{key} is not {value}, as in the others"
    if body.get("refresh") not in REFRESH:
        yield f"refresh is none of {', '.join(REFRESH)}"
    if (body.get("tags") or [])[:1] != [TAG] or len(body["tags"]) < 2:
        yield f"its tags are not {TAG} and what it is about"
    links = [(link.get("title"), link.get("type"), link.get("url")) for link in body.get("links") or []]
    if links != LINKS:
        yield "its links are not those of the others"


def _of_annotations(board):
    for annotation in board.annotations:
        if not annotation.get("builtIn") and annotation.get("iconColor") != COLOR_OF_ALERTS:
            yield f"annotation {annotation.get('name')} has another color than in the others"


def _of_links(board):
    for url in urls([panel for panel in board.panels if panel.get("type") != "row"]):
        if url.startswith(RUNBOOKS) or url == PAGE_OF_ROW:
            continue
        lost = [part for part in KEPT if part not in url]
        if lost:
            yield f"{url} does not keep {', '.join(lost)}"


def _of_times(board):
    """Points in time are shown as durations since then, everywhere."""
    for panel in board.panels:
        config = panel.get("fieldConfig") or {}
        columns = {}
        for transformation in panel.get("transformations") or []:
            columns |= transformation["options"].get("renameByName") or {}
        units = {entry["matcher"]["options"]: {item["id"]: item["value"] for item in entry["properties"]}.get("unit")
                 for entry in config.get("overrides") or []}  # fmt: skip
        targets = panel.get("targets") or []
        for target in targets:
            name = "Value" if len(targets) == 1 else f"Value #{target.get('refId')}"
            unit = units.get(columns.get(name, name)) or (config.get("defaults") or {}).get("unit")
            is_time = target.get("expr", "").startswith("1000 * ")
            if is_time and unit != "dateTimeFromNow":
                yield f"{panel.get('title')}: query {target.get('refId')} is a time, and its unit is {unit}"


def _of_charts(board):
    """Legends have calculations, and values with a meaning have fixed colors."""
    for panel in board.panels:
        if panel.get("type") != "timeseries":
            continue
        defaults, legend = panel["fieldConfig"]["defaults"], panel.get("options", {}).get("legend", {})
        style = defaults.get("custom", {}).get("drawStyle", "line")
        if legend.get("displayMode") != "table" or legend.get("calcs") not in LEGENDS[style]:
            yield f"{panel['title']}: its legend is no table of {' or of '.join(map(', '.join, LEGENDS[style]))}"
        colors = _fixed_colors(panel)
        for target in panel["targets"]:
            yield from (f"{panel['title']}: {text}" for text in _of_colors(target.get("legendFormat") or "", colors))


def _of_lists(board):
    """Names link to their pages; these and other lists say why they are empty."""
    for panel in board.panels:
        if panel.get("type") in LISTS and panel["fieldConfig"]["defaults"].get("noValue", "–") in ("–", "No data"):
            yield f"{panel['title']}: does not say why it is empty"
        names = {name for transformation in panel.get("transformations") or []
                 for name in (transformation["options"].get("renameByName") or {}).values()}
        linked = {override["matcher"]["options"] for override in panel.get("fieldConfig", {}).get("overrides") or []
                  if any(entry["id"] == "links" for entry in override["properties"])}
        for name in sorted(names & LEADS - linked):
            yield f"{panel['title']}: column {name} leads nowhere"


def _fixed_colors(panel):
    """The fixed colors of a chart by the name, or the expression, of their series."""
    return {override["matcher"]["options"]: entry["value"]["fixedColor"]
            for override in panel["fieldConfig"].get("overrides") or []
            for entry in override["properties"] if entry["id"] == "color"}  # fmt: skip


def _of_colors(legend, colors):
    label = OF_MEANING.search(legend)
    if label and not colors:
        yield f"{legend} has no fixed colors"
    severity = re.match(r"(\w+) (above|below)$", legend)
    wanted = severity and COLOR_OF_LIMITS.get(severity[1])
    if wanted and colors.get(f"/^{severity[1]} (above|below)/") != wanted:
        yield f"{legend} is not {wanted}"


def _of_variables(root, dashboards):
    """Variables of the same name have the same label, and variables of all dashboards are the same."""
    first = {}
    for board in dashboards:
        for variable in board.variables:
            name = variable.get("name")
            other, path = first.setdefault(name, (variable, board.path))
            differs = (variable != other if name in SHARED else variable.get("label") != other.get("label"))
            if differs:
                yield f"{board.path.relative_to(root)}: variable {name} differs from that of {path.name}"
