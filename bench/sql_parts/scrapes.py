"""What a scrape of 50 queries costs while none of them is due, beside nginx with the same bytes."""

import contextlib
import re
import signal
import subprocess
import time

from exporters import QUERIES, database_of, wait_until_whole
from measure import PLAIN, Series, alternate, nginx, print_table

GZIP = {**PLAIN, "Accept-Encoding": "gzip"}
ROUNDS, REQUESTS, TRACED = 5, 100, 200
GOAL = 2  # times nginx


def system_calls(server, headers):
    """The number of system calls of one scrape."""
    words = ["strace", "-f", "-c", "-U", "calls,name", *(f"--attach={pid}" for pid in server.pids())]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as strace:
        attached = strace.stderr.readline()
        if "attached" not in attached:
            raise SystemExit(f"strace: {attached}")
        Series().run(server, headers, TRACED)
        strace.send_signal(signal.SIGINT)
        _, summary = strace.communicate(timeout=60)
    return int(re.search(r"^\s*(\d+)\s+total$", summary, re.M)[1]) / TRACED


def measure(exporters, database, missed):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(server) for server in exporters.all(QUERIES, "1h")]
        for server in servers:
            wait_until_whole(server, QUERIES)
        folder = exporters.folder
        for name, headers in (("metrics", PLAIN), ("metrics.gz", GZIP)):
            (folder / name).write_bytes(servers[0].get(headers)[1])
        servers.insert(1, stack.enter_context(nginx(folder)))
        time.sleep(5)  # so that the last statements are counted
        before = {server: database.statements(database_of(server)) for server in servers if server.name != "nginx"}
        rows = []
        for mode, headers, path in (("plain", PLAIN, "/metrics"), ("gzip", GZIP, "/metrics.gz")):
            servers[1].path = path
            series = alternate(servers, headers, ROUNDS, REQUESTS)
            for server, of in zip(servers, series):
                rows.append((mode, server.name, f"{of.bytes:,}", f"{of.median_ms():.2f}", f"{of.p99_ms():.2f}",
                             f"{of.cpu_ms():.3f}", f"{system_calls(server, headers):.0f}"))  # fmt: skip
            times, cpu = series[0].median_ms() / series[1].median_ms(), series[0].cpu_ms() / series[1].cpu_ms()
            rows.append((mode, "sql_exporter / nginx", "", f"{times:.2f}", "", f"{cpu:.2f}", ""))
            if max(times, cpu) > GOAL:
                missed.append(f"a scrape, {mode}: {times:.2f} of nginx's time, {cpu:.2f} of its CPU, at most {GOAL}")
        statements = {server.name: database.statements(database_of(server)) - count for server, count in before.items()}
    print_table(("scrape", "server", "bytes", "median ms", "p99 ms", "CPU ms", "system calls"), rows)
    count = 2 * (ROUNDS * REQUESTS + TRACED)
    print(f"Statements that reached the database in {count:,} scrapes: " +
          ", ".join(f"{name} {value}" for name, value in statements.items()) + ".\n")  # fmt: skip
    if statements["sql_exporter"]:
        missed.append(f"{count} scrapes: {statements['sql_exporter']} statements reached the database, none should")
