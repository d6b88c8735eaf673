"""50 sources in one process of each exporter."""

import time

from database import SOURCES, Sessions
from exporters import QUERIES, database_of, wait_until_whole
from measure import PLAIN, print_table

EACH, INTERVAL, GOAL = QUERIES[:5], 30, 60e6


def measure(exporters, database, seconds, missed):
    """Measures one exporter at a time."""
    rows = []
    for server in exporters.all(EACH, f"{INTERVAL}s", SOURCES):
        with Sessions(database) as sessions, server:
            wait_until_whole(server, EACH, len(SOURCES))
            cpu, begin = server.cpu_seconds(), time.monotonic()
            time.sleep(seconds)
            cpu = (server.cpu_seconds() - cpu) / (time.monotonic() - begin)
            series = sum(not line.startswith(b"#") for line in server.get(PLAIN)[1].splitlines())
            resident, most = server.memory_bytes(), server.memory_bytes("VmHWM")
            rows.append((server.name, f"{series:,}", f"{cpu * 100:.2f}", f"{resident / 1e6:.1f}", f"{most / 1e6:.1f}",
                         f"{server.share_bytes() / 1e6:.1f}", f"{sessions.most.get(database_of(server), 0)}"))
        if server.name == "sql_exporter" and most > GOAL:
            missed.append(f"50 sources: {most / 1e6:.1f} MB, at most {GOAL / 1e6:.0f}")
    print(f"{len(SOURCES)} sources, {len(EACH)} queries each every {INTERVAL} s, {seconds} s:\n")
    print_table(("exporter", "series", "CPU % of a core", "resident MB", "at most", "its share MB", "connections"), rows)
