"""dbt projects in all states that the dashboard shows, and data of the days before."""

import datetime
import json
import os
import re
import subprocess
import sys
import time

import dbt_cloud
import yaml
from support import SOURCE

sys.path.insert(0, str(SOURCE / "deploy"))
import dbt_example  # noqa: E402

DAY = 86400
COUNT = 5  # of the projects that write() makes
SAMPLE = re.compile(r"(dbt_\w+)\{(.*)\} (\S+)$", re.M)
# The age in days of the metrics in LONG_AGO. RECORDED has what rules recorded since, with one run per
# day.
DAYS = 9
LONG_AGO = {"dbt_node_last_run_timestamp_seconds", "dbt_source_snapshotted_at_timestamp_seconds"}
RECORDED = {
    "dbt_node_last_run_timestamp_seconds": ("node:dbt_run_pause:seconds", DAY),
    "dbt_source_snapshotted_at_timestamp_seconds": ("node:dbt_run_pause:seconds", DAY),
    "dbt_node_execution_seconds": ("node:dbt_run_execution:seconds", 0.05),
    "dbt_up": ("project:dbt_run_pause:seconds", DAY),
}


def write(folder, cloud):
    """Writes the projects, and the configuration of dbt_exporter with them and a project of dbt Cloud.
    Returns its path."""
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    dbt_example.write_to(folder / "shop/yesterday", yesterday)
    edit(folder / "shop/yesterday/run_results.json", succeed)
    for name, change in (("shop/today", tell_sizes), ("killed/today", begin_run),
                         ("cut/today", cut_manifest), ("hidden/today", hide_manifest)):
        dbt_example.write_to(folder / name)
        change(folder / name)
    projects = [{"name": path.name, "target": f"{path}/*"} for path in sorted(folder.iterdir())]
    projects.append({"name": "hosted", "cloud": {
        "url": cloud.url, "account_id": dbt_cloud.ACCOUNT, "token": dbt_cloud.TOKEN}})
    config = folder / "dbt_exporter.yml"
    config.write_text(yaml.safe_dump({"projects": projects}))
    return config


def edit(path, change):
    body = json.loads(path.read_text())
    change(body)
    path.write_text(json.dumps(body))


def run_again(folder):
    """Adds a run of two projects, with the same results as the last one."""
    cut_manifest(folder / "cut/today")
    dbt_example.write_to(folder / "next")
    tell_sizes(folder / "next")
    edit(folder / "next/run_results.json",
         lambda body: body["metadata"].update(invocation_id="next"))
    (folder / "next").rename(folder / "shop/next")


def succeed(body):
    body["metadata"]["invocation_id"] = "yesterday's"
    for result in body["results"]:
        result["status"] = "pass" if "test." in result["unique_id"] else "success"


def tell_sizes(project):
    """Adds sizes as the adapters of large warehouses report them."""
    def of_results(body):
        for number, result in enumerate(body["results"]):
            result["adapter_response"] |= {"rows_affected": 1000 + number, "bytes_processed": 1e6}

    def of_tables(body):
        for number, table in enumerate(body["nodes"].values()):
            table["stats"] = {name: {"id": name, "value": value} for name, value in
                              (("num_rows", 1000 + number), ("num_bytes", 1e6))}

    edit(project / "run_results.json", of_results)
    edit(project / "catalog.json", of_tables)


def begin_run(project):
    """Makes it look as if another invocation has written its manifest and run a model."""
    edit(project / "manifest.json", lambda body: body["metadata"].update(invocation_id="another"))
    (project / "run").mkdir()
    (project / "run/model.sql").write_text("select 1")


def cut_manifest(project):
    manifest = project / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:1000])
    long_ago = time.time() - 3600  # a file that dbt may still be writing is no failure
    os.utime(manifest, (long_ago, long_ago))


def hide_manifest(project):
    (project / "manifest.json").unlink()
    (project / "manifest.json").mkdir()


def make_past(page, labels, folder):
    """Writes Prometheus blocks with the days before a page of the target with these labels."""
    now = int(time.time())
    lines = []
    for name, own, value in SAMPLE.findall(page):
        own = f"{{{labels},{own}}}"
        if name in LONG_AGO:
            lines += [(name, own, value, now - DAYS * DAY + 60 * minute) for minute in range(-5, 10)]
        if name in RECORDED:
            record, amount = RECORDED[name]
            lines += [(record, own, amount, now - day * DAY) for day in (5, 4, 3, 2, 1)]
    history = folder / "history.om"
    with history.open("w") as out:
        for name in sorted({line[0] for line in lines}):
            out.write(f"# TYPE {name} unknown\n")
            out.writelines(f"{name}{own} {value} {at}\n"
                           for each, own, value, at in lines if each == name)
        out.write("# EOF\n")
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", history,
                    folder / "data"], check=True, capture_output=True)
