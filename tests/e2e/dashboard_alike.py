"""What all dashboards have in common: how they look, which variables they share, and that links keep them."""

from dashboard_files import PAGE_OF_ROW, RUNBOOKS, TAG, urls

LOOK = {
    "timezone": "browser", "editable": True, "graphTooltip": 1, "weekStart": "", "fiscalYearStartMonth": 0,
    "liveNow": False, "preload": False, "version": 1,
    "timepicker": {"refresh_intervals": ["30s", "1m", "5m", "15m", "1h"]},
}  # fmt: skip
REFRESH = ("1m", "5m")  # 5m where what is shown comes hours late
LINKS = [("Data platform", "dashboards", ""), ("Runbooks", "link", f"{RUNBOOKS}README.md")]
SHARED = ("datasource", "environment")
KEPT = ("${datasource:queryparam}", "${environment:queryparam}", "${__url_time_range}")
COLOR_OF_ALERTS = "rgba(255, 115, 131, 0.5)"


def problems(root, dashboards):
    """What a dashboard has otherwise than the others, one line each."""
    for board in dashboards:
        where = board.path.relative_to(root)
        for text in (*_of_look(board.body), *_of_annotations(board), *_of_links(board), *_of_times(board)):
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
    """A point in time is shown as how long ago it was, wherever it is."""
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


def _of_variables(root, dashboards):
    """A variable of one name has one label, and those that all have are the same."""
    first = {}
    for board in dashboards:
        for variable in board.variables:
            name = variable.get("name")
            other, path = first.setdefault(name, (variable, board.path))
            differs = (variable != other if name in SHARED else variable.get("label") != other.get("label"))
            if differs:
                yield f"{board.path.relative_to(root)}: variable {name} differs from that of {path.name}"
