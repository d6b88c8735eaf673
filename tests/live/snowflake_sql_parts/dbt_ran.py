"""The statements that real versions of dbt sent to fakesnow, with comments and tags, as rows of the views
with made-up credits; and their owners according to dbt."""

import decimal
import functools
import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from environment import environment
from truth_attribution import by_owner

HERE = pathlib.Path(__file__).resolve().parent
ATTRIBUTED, QUERIES = "ACCOUNT_USAGE.QUERY_ATTRIBUTION_HISTORY", "ACCOUNT_USAGE.QUERY_HISTORY"
WAREHOUSE = "TRANSFORMING"
OWN = '{comment: "{{ own_comment(node) }}"}'
# The projects of each version, with the query-comment of dbt_project.yml. By default, the comment is at the
# start until 1.9.
PROJECTS = {
    "1.9": {"default": None, "appended": "{append: true}", "own": OWN, "no comment": '""',
            "results alone": '""'},
    "1.11": {"default": None, "in front": "{append: false}", "own": OWN,
             "text": "dbt runs {{ node.name if node else connection_name }}", "results alone": "null"},
}  # fmt: skip
# Projects with nodes in query tags only.
TAGGED = {"no comment", "text"}
# Projects with nodes only in the results that dbt writes.
BY_RESULTS = {"results alone"}
SETS_TAG = re.compile(r"^(alter session set|show parameters like 'query_tag')", re.M)


def make_project(place, comment, is_tagged):
    shutil.copytree(HERE / "dbt_project", place)
    with (place / "dbt_project.yml").open("a") as file:
        file.write(f"vars: {{tags_nodes: {str(is_tagged).lower()}}}\n")
        if comment is not None:
            file.write(f"query-comment: {comment}\n")


def run_dbt(version, place):
    """The statements that this version sent, and its results, by project."""
    projects = [place / version / name for name in PROJECTS[version]]
    for project in projects:
        make_project(project, PROJECTS[version][project.name], project.name in TAGGED)
    python = environment(f"live-snowflake-sql-dbt-{version}", f"snowflake_sql_dbt_{version}_pins.txt")
    # Isolated, because the modules beside dbt_session.py are not for it.
    done = subprocess.run([python, "-I", "-B", "-W", "ignore", HERE / "dbt_session.py",
                           place / f"{version}.json", *projects],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"dbt {version} failed:\n{done.stdout}")
    return json.loads((place / f"{version}.json").read_text())


class Ran:
    """Fills tables with the statements of a project."""

    def __init__(self, double, statement, columns, version, name, found, owner):
        self.double, self.statements, self.name = double, [statement], f"dbt {version}, {name}"
        dice, (low, high) = random.Random(self.name), statement.window.seconds[:2]
        self.rows = []
        for number, sent in enumerate(found["sent"]):
            self.rows.append({
                "QUERY_ID": sent["id"], "QUERY_TEXT": sent["text"], "QUERY_TAG": sent["tag"],
                "WAREHOUSE_NAME": WAREHOUSE, "END_TIME": (low + number * 601 % (high - low)) * 1000,
                "CREDITS_ATTRIBUTED_COMPUTE": decimal.Decimal(dice.randrange(1, 10**9)).scaleb(-9),
                **owner(sent)})  # fmt: skip
        for view in (ATTRIBUTED, QUERIES):
            double.fill(view, columns[view], [{each.name: row.get(each.name) for each in columns[view]}
                                              for row in self.rows])  # fmt: skip
        self.check_results(found, name in BY_RESULTS)

    def check_results(self, found, is_by_results):
        """Checks that the nodes with credits are those of run_results.json, and that the statements it
        names are theirs."""
        failed = {each["node"] for each in found["results"] if each["status"] not in ("success", "pass")}
        if failed != {"model.shop.broken"}:
            raise SystemExit(f"{self.name}: failed {sorted(failed)}")
        with_credits, of_results = {row["unique_id"] for row in self.rows}, {each["node"] for each in found["results"]}
        if is_by_results:  # which has no statement of a seed or of a failed node
            of_results -= {"model.shop.broken", "seed.shop.regions"}
        if with_credits - {""} != of_results:
            raise SystemExit(f"{self.name}: credits of {sorted(with_credits)}, results of {sorted(of_results)}")
        nodes = {row["QUERY_ID"]: row["unique_id"] for row in self.rows}
        for each in found["results"]:
            if each["id"] and nodes[each["id"]] != each["node"]:
                raise SystemExit(f"{self.name}: {each['id']} is of {nodes[each['id']]}, says dbt of {each['node']}")

    def wanted(self, _):
        return by_owner(self.rows)


def owner_of(sent, is_tagged):
    """The owner according to the node that dbt ran, which is in the comment of each statement. A failed
    node leaves its tag to statements of the next node, but only to those that set the next tag, which run
    on no warehouse."""
    tag = json.loads(sent["tag"])
    is_dbt, dag_id = not is_tagged or tag.get("app") == "dbt", tag.get("dag_id", "")
    node = (tag.get("node_id") if is_tagged else sent["node"]) or ""
    if is_tagged and is_dbt and node != sent["node"] and not SETS_TAG.search(sent["text"]):
        raise SystemExit(f"the tag of {node} is on what {sent['node']} sent: {sent['text']}")
    return {"tool": "dbt" if is_dbt else "airflow", "package": node and node.split(".")[1],
            "target": "prod" if is_dbt else "", "dag_id": dag_id, "unique_id": node}  # fmt: skip


def owner_by_results(sent, nodes):
    """The owner according to the node whose result has the id of the statement, and to the tag."""
    node, dag_id = nodes.get(sent["id"], ""), json.loads(sent["tag"]).get("dag_id", "")
    return {"tool": "dbt" if node else "airflow", "package": node and node.split(".")[1],
            "target": "prod" if node else "", "dag_id": dag_id, "unique_id": node}  # fmt: skip


def ran(double, ship, columns):
    """The rows of each project in turn. `ship` returns the statement for a pattern of results."""
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor() as pool:
        runs = pool.map(lambda version: run_dbt(version, pathlib.Path(place)), PROJECTS)
        for version, projects in zip(PROJECTS, runs, strict=True):
            for name, found in projects.items():
                results, owner = (), functools.partial(owner_of, is_tagged=name in TAGGED)
                if name in BY_RESULTS:
                    results = (f"{place}/{version}/{name}/run_results_*.json",)
                    nodes = {each["id"]: each["node"] for each in found["results"] if each["id"]}
                    owner = functools.partial(owner_by_results, nodes=nodes)
                yield Ran(double, ship(results), columns, version, name, found, owner)
