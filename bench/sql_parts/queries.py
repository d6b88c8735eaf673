"""50 queries in the background, then with one of them that hangs, then at each scrape."""

import contextlib
import statistics
import threading
import time

from database import Sessions
from exporters import HANGING, QUERIES, database_of, times_of, wait_until_whole
from measure import AS_PROMETHEUS, PLAIN, print_table

INTERVAL, SCRAPES, HANG = 10, 15, 30  # seconds
PAGE_GOAL, AGE_GOAL = 1, 2 * INTERVAL


class Watch(threading.Thread):
    """Requests a page each second, or as soon as the last one has come."""

    def __init__(self, server, seconds):
        super().__init__()
        self.server, self.end = server, time.monotonic() + seconds
        self.latencies, self.ages = [], []

    def run(self):
        while time.monotonic() < self.end:
            begin, now = time.monotonic(), time.time()
            times = times_of(self.server.get(PLAIN)[1])
            self.latencies.append(time.monotonic() - begin)
            others = [times.get(number, 0) for number in range(len(QUERIES)) if number != HANGING]
            self.ages.append(now - min(others))
            time.sleep(max(0, min(begin + 1, self.end) - time.monotonic()))


def watch(servers, seconds):
    watches = [Watch(server, seconds) for server in servers]
    for each in watches:
        each.start()
    for each in watches:
        each.join()
    return watches


def table_of_costs(database, servers, seconds):
    logins = [database.logins(database_of(server)) for server in servers]
    with Sessions(database) as sessions:
        cpu, begin = [server.cpu_seconds() for server in servers], time.monotonic()
        while time.monotonic() - begin < seconds:
            time.sleep(SCRAPES)
            for server in servers:
                server.get(AS_PROMETHEUS)
        took = time.monotonic() - begin
        cpu = [server.cpu_seconds() - before for server, before in zip(servers, cpu)]
    ours = None
    rows = []
    for server, used, before in zip(servers, cpu, logins):
        name = database_of(server)
        of_database = sessions.cpu_seconds(name)
        ours = ours or (used, of_database)
        rows.append((server.name, f"{used / took * 100:.2f}", f"{of_database / took * 100:.2f}",
                     f"{ours[0] / used:.2f}, {ours[1] / of_database:.2f}", f"{server.memory_bytes() / 1e6:.1f}",
                     f"{server.memory_bytes('VmHWM') / 1e6:.1f}", f"{server.share_bytes() / 1e6:.1f}",
                     f"{sessions.most.get(name, 0)}", f"{(database.logins(name) - before) / took * 60:.1f}"))  # fmt: skip
    print_table(("exporter", "CPU % of a core", "database's", "ours / its", "resident MB", "at most", "its share MB",
                 "connections", "logins a minute"), rows)  # fmt: skip


def table_of_hang(database, servers, missed):
    rows = []
    for phase in ("none", "hangs"):
        if phase == "hangs":
            database.pause(HANG)
        for server, each in zip(servers, watch(servers, INTERVAL + HANG + 5)):
            slowest, oldest = max(each.latencies), max(each.ages)
            rows.append((phase, server.name, f"{statistics.median(each.latencies) * 1e3:.1f}", f"{slowest * 1e3:.0f}",
                         f"{oldest:.0f}"))  # fmt: skip
            if server.name == "sql_exporter" and (slowest > PAGE_GOAL or oldest > AGE_GOAL):
                missed.append(f"one query {phase}: a page after {slowest:.1f} s, at most {PAGE_GOAL}; "
                              f"values {oldest:.0f} s old, at most {AGE_GOAL}")  # fmt: skip
    database.end_pauses()
    print_table(("which query hangs", "exporter", "page, median ms", "slowest ms", "oldest value of the others, s"),
                [("one of 50, 30 s" if row[0] == "hangs" else row[0], *row[1:]) for row in rows])  # fmt: skip


def table_of_scrapes(database, exporters):
    """Measures queries that run at each scrape, with a timeout of 10 s."""
    rows = []
    for make in (exporters.ours, exporters.query_exporter):
        with make(QUERIES, None) as server:
            for pause in (0, HANG):
                database.pause(pause)
                begin, now = time.monotonic(), time.time()
                _, page = server.get({**PLAIN, "X-Prometheus-Scrape-Timeout-Seconds": "10"})
                took = time.monotonic() - begin
                fresh = sum(at >= now for at in times_of(page).values())
                rows.append((server.name, "one of 50, 30 s" if pause else "none", f"{took:.2f}", f"{fresh}"))
            database.end_pauses()
    print_table(("at each scrape", "which query hangs", "page after s", "queries on it"), rows)


def measure(exporters, database, seconds, missed):
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(server) for server in exporters.all(QUERIES, f"{INTERVAL}s")]
        stack.callback(database.end_pauses)  # an exporter may wait for its queries before it exits
        for server in servers:
            wait_until_whole(server, QUERIES)
        print(f"50 queries every {INTERVAL} s, a scrape each {SCRAPES} s, {seconds} s:\n", flush=True)
        table_of_costs(database, servers, seconds)
        table_of_hang(database, servers, missed)
    table_of_scrapes(database, exporters)
