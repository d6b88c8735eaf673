"""Incidents as alerts of the exporters, and the notifications that are expected for them."""

import functools
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES, WARNINGS, BUSINESS = "#data-alerts", "#data-warnings", "#business-alerts"
OF_NODES = {"dataset", "dag_id", "task_id", "warehouse"}  # of each alert of a dbt node: docs/dbt.md
PORTS = {"airflow": 19102, "dbt": 19103, "snowflake": 19101, "sql": 19104, "exporters": 19103}
OF_HOST = ("host", "containers", "monitoring")

MODEL = {"project": "shop", "resource_type": "model", "dag_id": "shop_daily", "task_id": "build", "warehouse": "LOAD"}
DAG = {"deployment": "prod", "owner": "ann"}
TABLE = {"source": "shop", "dataset": "shop.public.orders"}
SOURCE = {"project": "shop", "unique_id": "source.shop.app.orders", "dataset": "shop.public.orders"}
TEST = {"project": "shop", "unique_id": "test.shop.a"}
CHECK = TABLE | {"check": "not_null"}
REVENUE = {"source": "shop", "currency": "EUR", "period": "hour"}


def model(name, **labels):
    return ("DbtModelFailed", MODEL | {"unique_id": f"model.shop.{name}", "dataset": f"dwh.marts.{name}"} | labels)


LATE = [
    ("QualityDataLate", TABLE), ("QualityVolumeLow", TABLE), ("DbtSourceStale", SOURCE),
    ("BusinessRevenueLow", REVENUE | {"dataset": "shop.public.orders"}),
    ("BusinessRevenueLow", REVENUE | {"dataset": "mail"}),
]
DAG_FAILED = [
    ("AirflowDagFailed", DAG | {"dag_id": "shop_daily"}),
    ("AirflowDagFailingRepeatedly", DAG | {"dag_id": "shop_daily"}),
    ("AirflowDagDeadlineMissed", DAG | {"dag_id": "shop_daily"}),
]

# By environment, which separates them: the firing alerts, and the expected notifications.
INCIDENTS = {
    "model": (
        [model("orders"), *DAG_FAILED, ("DbtNodesSkipped", {"project": "shop"})],
        [(PAGES, "DbtModelFailed")],
    ),
    "models-of-a-run": ([model(f"m{i}") for i in range(20)], [(PAGES, "DbtModelFailed")]),
    "dag": (
        [*DAG_FAILED, ("DbtModelNotRun", {"project": "shop", "dag_id": "shop_daily", "unique_id": "model.shop.a"})],
        [(PAGES, "AirflowDagFailed")],
    ),
    "warehouse": (
        [("SnowflakeQuotaSuspends", {"account": "acme", "resource_monitor": "LIMIT"}),
         ("SnowflakeWarehouseBlocked", {"account": "acme", "warehouse": "LOAD"}),
         ("SnowflakeQueriesFailing", {"account": "acme", "warehouse": "LOAD"}),
         *[model(f"m{i}") for i in range(4)], *DAG_FAILED,
         model("other", project="sales", warehouse="BI", dag_id="sales_daily")],
        [(PAGES, "SnowflakeQuotaSuspends"), (PAGES, "DbtModelFailed")],
    ),
    "late-table": (LATE, [(PAGES, "QualityDataLate"), (BUSINESS, "BusinessRevenueLow")]),
    "late-load": (
        [("AirflowAssetStale", {"deployment": "prod", "asset": "orders", "dataset": "shop.public.orders"}), *LATE],
        [(WARNINGS, "AirflowAssetStale"), (BUSINESS, "BusinessRevenueLow")],
    ),
    "failed-load": (
        [*DAG_FAILED, ("AirflowLoadFailed", {"deployment": "prod", "dag_id": "shop_daily", "task_id": "load",
                                             "asset": "orders", "dataset": "shop.public.orders"}),
         ("AirflowAssetStale", {"deployment": "prod", "asset": "orders", "dataset": "shop.public.orders"}),
         ("QualityTableEmpty", TABLE), *LATE],
        [(PAGES, "AirflowDagFailed"), (BUSINESS, "BusinessRevenueLow")],
    ),
    "repeatedly": (
        [(name, TEST) for name in ("DbtTestFailed", "DbtTestFailingRepeatedly")],
        [(PAGES, "DbtTestFailingRepeatedly")],
    ),
    "severities": (
        [("QualityCheckFailed", CHECK | {"column": "email"}),
         ("QualityCheckFailed", CHECK | {"column": "email", "severity": "warning"})],
        [(PAGES, "QualityCheckFailed")],
    ),
    "columns": (
        [("QualityCheckFailed", CHECK | {"column": "email"}),
         ("QualityCheckFailed", CHECK | {"column": "name", "severity": "warning"})],
        [(PAGES, "QualityCheckFailed"), (WARNINGS, "QualityCheckFailed")],
    ),
    "info": ([("InfoInhibitor", {}), ("ContainerCpuThrottled", {"name": "web"})], []),
    "machine": (
        [("HostDown", {}), ("ExporterDown", {}), ("AirflowDown", {"deployment": "prod"})],
        [(PAGES, "HostDown")],
    ),
    # A label that both alerts lack does not join them.
    "no-labels": (
        [("DbtModelFailed", {"project": "shop", "unique_id": "model.shop.a"}), ("AirflowRunsStopped", {"deployment": "prod"}),
         ("AirflowTaskFailureShare", {"deployment": "prod"}), ("SnowflakeQueriesFailing", {"account": "acme"})],
        [(PAGES, "DbtModelFailed"), (PAGES, "AirflowRunsStopped"), (WARNINGS, "AirflowTaskFailureShare"),
         (WARNINGS, "SnowflakeQueriesFailing")],
    ),
}


@functools.cache
def rules():
    """The labels that each alert's rule sets, by the alert's name."""
    return {rule["alert"]: rule["labels"] for path in ROOT.glob("alerts/*.yml")
            for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}


@functools.cache
def seen_labels():
    """The labels of each alert in the unit tests of the rules, by the alert's name."""
    seen = {}
    for path in ROOT.glob("alerts/tests/*.yml"):
        text = path.read_text()
        for name, labels in re.findall(r'ALERTS\{alertname="(\w+)",([^}]*)\}', text):
            seen.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
        for test in yaml.load(text, yaml.CSafeLoader)["tests"]:
            for look in test.get("alert_rule_test") or []:
                for one in look.get("exp_alerts") or []:
                    seen.setdefault(look["alertname"], set()).update(one["exp_labels"])
    return seen


def labels_of(name, labels):
    """All labels of an alert. Labels of the incident must be labels that the rule produces."""
    known = seen_labels()[name]
    unknown = labels.keys() - known - (OF_NODES if "unique_id" in known else set())
    if unknown:
        raise SystemExit(f"in no test of the rules {name} has {', '.join(sorted(unknown))}")
    fixed = dict(rules()[name])
    if fixed["severity"].startswith("{{"):
        fixed["severity"] = "critical"
    service = "host" if fixed["service"] in OF_HOST else fixed["service"]
    return fixed | {"host": "etl", "job": service, "instance": f"etl:{PORTS.get(service, 19100)}"} | labels
