"""airflow_exporter alone under a full load: a fake Airflow in which 200 tries of tasks end per second."""

import pathlib
import re
import sys
import tempfile
import time

from measure import BIN, PLAIN, ROOT, Server, alternate, free_port, nginx, print_table

FAKE = ROOT / "deploy/airflow_fake"
GZIP = {**PLAIN, "Accept-Encoding": "gzip"}
TRIES, DAGS, LIVE_RUNS = 200, 440, 500  # DAGs of four tasks, which make 50,000 series
INTERVAL = 30
CONFIG = """
deployments:
  - name: load
    url: http://127.0.0.1:{port}
    username: viewer
    password: viewer
    budget: {{requests_per_second: 20, burst: 40, at_once: 2}}
collector: {{runs: {{by-task: true}}}}
"""


def fake():
    port = free_port()
    return Server("the fake", [sys.executable, "-B", str(FAKE), f"--port={port}", f"--load-dags={DAGS}",
                               f"--load-tries={TRIES}", f"--load-live-runs={LIVE_RUNS}"],
                  port, "/api/v2/version")  # fmt: skip


def exporter(folder, upstream):
    port = free_port()
    (folder / "airflow.yml").write_text(CONFIG.format(port=upstream.port))
    return Server("airflow_exporter", [
        str(BIN / "airflow_exporter"), f"--config.file={folder / 'airflow.yml'}",
        f"--web.listen-address=127.0.0.1:{port}", f"--state.dir={folder}"], port)  # fmt: skip


def value_of(page, name):
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", page, re.M))


def page_of(server):
    return server.get(PLAIN)[1].decode()


def wait_until_even(server):
    """Waits until runs that ended before the start are counted and the page hardly grows."""
    give_up, series = time.monotonic() + 300, 0
    while True:
        page = page_of(server)
        now = page.count("\n")
        behind = time.time() - value_of(page, "airflow_runs_read_timestamp_seconds")
        if now <= series * 1.01 and behind < 2 * INTERVAL and value_of(page, "airflow_task_tries_total"):
            return
        if time.monotonic() > give_up:
            print(f"the page is {behind:.0f} s behind after five minutes\n")
            return
        series = now
        time.sleep(INTERVAL)


def measure_load(server, upstream, minutes):
    """Returns the rows of the table, and the targets that were missed."""
    before, cpu, upstream_cpu, begin = page_of(server), server.cpu_seconds(), upstream.cpu_seconds(), time.monotonic()
    time.sleep(minutes * 60)
    after, took = page_of(server), time.monotonic() - begin
    cpu, upstream_cpu = (server.cpu_seconds() - cpu) / took, (upstream.cpu_seconds() - upstream_cpu) / took
    more = {name: value_of(after, name) - value_of(before, name) for name in (
        "exporter_upstream_requests_total", "airflow_task_tries_total", "airflow_dag_runs_total",
        "airflow_runs_read_timestamp_seconds")}  # fmt: skip
    read = max(1, more["airflow_runs_read_timestamp_seconds"])  # advances once per run of the collector
    tries, runs = more["airflow_task_tries_total"] / read, more["airflow_dag_runs_total"] / read
    series = sum(not line.startswith("#") for line in after.splitlines())
    resident, peak = server.memory_bytes() / 1e6, server.memory_bytes("VmHWM") / 1e6
    behind = time.time() - value_of(after, "airflow_runs_read_timestamp_seconds")
    print_table(("what", "is"), [
        ("series", f"{series:,}"),
        ("tries counted a second", f"{tries:.1f}"),
        ("runs counted a second", f"{runs:.1f}"),
        ("runs whose tasks are still to be read", f"{value_of(after, 'airflow_unread_runs'):,.0f}"),
        ("runs are read up to, seconds ago", f"{behind:.0f}"),
        ("requests in 30 s", f"{more['exporter_upstream_requests_total'] / took * 30:.0f}"),
        ("CPU of a core", f"{cpu * 100:.1f} %"),
        ("resident MB, and at most", f"{resident:.0f}, {peak:.0f}"),
        ("CPU of a core, of the fake", f"{upstream_cpu * 100:.1f} %")])
    return [text for is_missed, text in (
        (cpu > 0.05, f"full load: {cpu * 100:.1f} % of a core, at most 5"),
        (peak > 150, f"full load: {peak:.0f} MB, at most 150"),
        (tries < TRIES * 0.97, f"full load: {tries:.0f} of {TRIES} tries a second are counted"),
        (behind > 3 * INTERVAL, f"full load: {behind:.0f} s behind"),
    ) if is_missed]


def measure_scrapes(server, folder, missed):
    for name, headers in (("metrics", PLAIN), ("metrics.gz", GZIP)):
        (folder / name).write_bytes(server.get(headers)[1])
    rows = []
    with nginx(folder) as peer:
        for mode, headers, path in (("plain", PLAIN, "/metrics"), ("gzip", GZIP, "/metrics.gz")):
            peer.path = path
            both = alternate((server, peer), headers, 5, 100)
            for each, of in zip((server, peer), both):
                rows.append((mode, each.name, f"{of.bytes:,}", f"{of.median_ms():.2f}", f"{of.p99_ms():.2f}",
                             f"{of.cpu_ms():.2f}"))
            ours, its = both
            rows.append((mode, "ratio", "", f"{ours.median_ms() / its.median_ms():.2f}",
                         f"{ours.p99_ms() / its.p99_ms():.2f}", f"{ours.cpu_ms() / its.cpu_ms():.2f}"))
            if ours.median_ms() > 2 * its.median_ms():
                missed.append(f"a scrape, {mode}: {ours.median_ms() / its.median_ms():.2f} of nginx's time, at most 2")
    print_table(("page", "server", "bytes", "median ms", "p99 ms", "CPU ms"), rows)


def measure(minutes, missed):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)  # nginx's worker may run as another user, which must be able to read it
        with fake() as upstream, exporter(folder, upstream) as server:
            wait_until_even(server)
            missed += measure_load(server, upstream, minutes)
            measure_scrapes(server, folder, missed)
