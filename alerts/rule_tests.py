"""The unit tests in alerts/tests/, which promtool runs one by one.

A file there has an evaluation_interval and tests, as promtool defines them; a test over a day may have
an interval of its own. The runner adds the rules that a test loads: those that its series reach. All others find nothing, so the outcome is the same as
with every rule, in a fraction of the time. What is reached and not asked about is loaded, too, because
a rule must not fail on the series of another one's test; but for records of all alerts, which are made
of set operators, and those do not fail. The groups are evaluated in the order in
which they read each other's metrics, but for those that a file lists in evaluated_first.
"""

import collections
import json
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from promql import metrics_of, sources_of

Test = collections.namedtuple("Test", "name interval first body")

# One process a processor, each of which ends soon: promtool need not save memory.
FAST_GO = {"GOGC": "400", "GOMAXPROCS": "1"}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
KEPT_IN_MEMORY = 6 * 3600  # seconds; samples of half a day are never compacted
ALERTS_BY_NAME = re.compile(r'\bALERTS\{[^}]*\balertname=~?"(\w+(?:\|\w+)*)"[^}]*\}')
IN_TEMPLATES = re.compile(r"\b(?:ALERTS|[a-zA-Z_]\w*(?::\w+)+)\b")


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Refuses duplicate keys, as promtool does."""


def construct_mapping(loader, node):
    keys = [key.value for key, _ in node.value]
    for key, _ in node.value:
        if keys.count(key.value) > 1:
            raise yaml.constructor.ConstructorError(
                None, None, f"duplicate key {key.value}", key.start_mark
            )
    return loader.construct_mapping(node, deep=True)


Loader.add_constructor("tag:yaml.org,2002:map", construct_mapping)


def read_yaml(path):
    with path.open() as file:
        return yaml.load(file, Loader)


class Rule:
    """An alerting or recording rule, the metrics that it makes, and those that it reads."""

    def __init__(self, body):
        self.body = body
        self.alert = body.get("alert")
        self.makes = {"ALERTS", "ALERTS_FOR_STATE", self.alert} if self.alert else {body["record"]}
        expr = ALERTS_BY_NAME.sub(lambda match: match[1].replace("|", " or "), str(body["expr"]))
        self.sources = sources_of(expr)
        self.reads = set(metrics_of(expr))
        self.is_constant = not self.alert and not self.reads
        # A record of whichever alerts fire, as incident:alerts_firing:info, which each test would evaluate.
        self.is_of_all_alerts = not self.alert and "ALERTS" in self.reads
        self.reads |= set(IN_TEMPLATES.findall(json.dumps(body.get("annotations"))))


class Group:
    def __init__(self, body):
        self.body = body
        self.name = body["name"]
        self.rules = [Rule(rule) for rule in body["rules"]]
        self.makes = set().union(*(rule.makes for rule in self.rules))
        self.reads = set().union(*(rule.reads for rule in self.rules))


def in_order(groups):
    """The groups, each after those whose metrics it reads.

    Prometheus evaluates groups side by side. A test needs an order, or its outcome is left to chance.
    """
    waiting, ordered = list(groups), []
    while waiting:
        for group in waiting:
            others = [other for other in waiting if other is not group]
            if not any(group.reads & other.makes for other in others):
                break
        else:
            names = ", ".join(group.name for group in waiting)
            raise SystemExit(f"groups of rules that read each other's metrics: {names}")
        waiting.remove(group)
        ordered.append(group)
    return ordered


class Rules:
    """All rules of a project, or some of them."""

    def __init__(self, root):
        paths = [*sorted(root.glob("prometheus/rules/*.yml")), *sorted(root.glob("alerts/*.yml"))]
        bodies = [body for path in paths for body in read_yaml(path)["groups"]]
        self.groups = in_order(Group(body) for body in bodies)

    def all(self):
        return [rule for group in self.groups for rule in group.rules]

    def reached_by(self, test):
        """The rules that can find something in the test, and those that it asks about."""
        alerts, metrics = asked_by(test)
        found = {each["series"].partition("{")[0] for each in test.body.get("input_series") or []}
        candidates = [rule for rule in self.all() if not rule.is_of_all_alerts or rule.makes & metrics]
        reached = []
        while True:
            now = [
                rule
                for rule in candidates
                if rule.sources is None or rule.sources & found or rule.alert in alerts
            ]
            if len(now) == len(reached):
                break
            reached = now
            found = found.union(*(rule.makes for rule in reached))
        read = metrics.union(*(rule.reads for rule in reached))
        return [rule for rule in reached if not rule.is_constant or rule.makes & read]

    def needed_by(self, test):
        """Of the rules that it reaches, those on which its outcome depends if none fails."""
        reached = self.reached_by(test)
        wanted = set().union(*asked_by(test))
        needed = []
        while True:
            now = [rule for rule in reached if rule.makes & wanted]
            if len(now) == len(needed):
                return needed
            needed = now
            wanted = wanted.union(*(rule.reads for rule in needed))

    def groups_of(self, chosen, changed):
        """The bodies of the groups with these rules alone, and for some of them with another body."""
        for group in self.groups:
            bodies = [changed.get(rule, rule.body) for rule in group.rules if rule in chosen]
            if bodies:
                yield {**group.body, "rules": bodies}


def asked_by(test):
    """The alerts and the metrics that a test asks about."""
    alerts = {each["alertname"] for each in test.body.get("alert_rule_test") or []}
    queries = test.body.get("promql_expr_test") or []
    return alerts, {name for query in queries for name in metrics_of(query["expr"])}


def read_tests(root):
    """The unit tests of a project by their names."""
    tests = {}
    for path in sorted(root.glob("alerts/tests/*.yml")):
        body = read_yaml(path)
        interval, first = body.pop("evaluation_interval"), body.pop("evaluated_first", [])
        for test in body.pop("tests"):
            if test["name"] in tests:
                raise SystemExit(f"{path}: another test is named {test['name']}")
            own_interval = test.pop("evaluation_interval", interval)
            tests[test["name"]] = Test(test["name"], own_interval, first, test)
        if body:
            raise SystemExit(f"{path}: unknown keys {', '.join(body)}")
    return tests


def in_seconds(duration):
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", duration))


def without_gaps(values, interval):
    """The values of a series with a stale marker in each six hours that it has no samples.

    promtool's storage may drop a series that has no samples in memory while one is appended, and the
    sample with it (before Prometheus 3.3, its pull request 16333). No query sees a stale marker.
    """
    step = max(1, KEPT_IN_MEMORY // interval)
    shown, waiting, gap = [], [], 0
    for item in str(values).split():
        missing = re.fullmatch(r"_(?:x(\d+))?", item)
        if not missing:
            shown += [*waiting, item]
            waiting, gap = [], 0
            continue
        for _ in range(int(missing[1] or 1)):
            gap += 1
            waiting.append("_" if gap % step or not shown else "stale")
    return " ".join([*shown, *waiting]) if "stale" in shown else str(values)


def run(rules, test, *, chosen=None, changed=None, promtool="promtool"):
    """What promtool complains of in a test; "" if it passes.

    `chosen` are the rules that it loads, if not those that it reaches; `changed` has other bodies for
    some of them.
    """
    chosen = rules.reached_by(test) if chosen is None else chosen
    groups = list(rules.groups_of(chosen, changed or {}))
    groups.sort(key=lambda group: group["name"] not in test.first)
    interval = in_seconds(test.body.get("interval", "1m"))
    series = [
        {**each, "values": without_gaps(each["values"], interval)}
        for each in test.body.get("input_series") or []
    ]
    body = {
        "rule_files": ["rules.yml"],
        "group_eval_order": [group["name"] for group in groups],
        "evaluation_interval": test.interval,
        "tests": [{**test.body, "input_series": series}],
    }
    with tempfile.TemporaryDirectory() as folder:
        # JSON is YAML, too.
        Path(folder, "rules.yml").write_text(json.dumps({"groups": groups}))
        Path(folder, "test.yml").write_text(json.dumps(body))
        command = [promtool, "test", "rules", "test.yml"]
        result = subprocess.run(command, cwd=folder, env={**os.environ, **FAST_GO},
                                capture_output=True, text=True, check=False)
    if result.returncode < 0:  # It says nothing of the test.
        raise SystemExit(f"signal {-result.returncode} ended promtool in the test: {test.name}")
    return "" if result.returncode == 0 else result.stdout + result.stderr


def side_by_side(function, items):
    """function(item) of each, in their order; as many run at once as there are processors."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(function, items))
