"""sql_exporter and its peers, all with the same queries."""

import json
import re
import shutil
import subprocess
import sys
import time

from database import KINDS, USER
from measure import BIN, PLAIN, ROOT, Server, free_port

PINS = ROOT / "bench/sql_parts/pins.txt"
PROGRAMS = ROOT / "build/bench-sql"
BOUND = 120
HANGING = KINDS - 1  # the query that can hang


class Query:
    """One of the queries. Its columns have the names of the metrics, as query-exporter requires."""

    def __init__(self, number):
        self.name, self.metrics = f"q{number:02}", (f"shop_orders_{number:02}", f"shop_at_{number:02}")
        of = "orders, pause()" if number == HANGING else "orders"
        self.sql = (f"SELECT country, count(*) AS {self.metrics[0]}, "
                    f"CAST(extract(epoch FROM max(clock_timestamp())) AS float8) AS {self.metrics[1]} "
                    f"FROM {of} WHERE kind = {number} GROUP BY country")  # fmt: skip


QUERIES = [Query(number) for number in range(KINDS)]


def find_query_exporter():
    """The path of query-exporter in a virtual environment, because Debian does not have it."""
    place, whole = PROGRAMS / "query-exporter", PROGRAMS / "query-exporter/pins.txt"
    if not whole.exists() or whole.read_text() != PINS.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([place / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                        "--only-binary=:all:", f"--requirement={PINS}"], check=True)  # fmt: skip
        whole.write_text(PINS.read_text())
    return place / "bin/query-exporter"


def programs():
    """The program of each exporter. Fails if one is missing."""
    debian = shutil.which("prometheus-sql-exporter")
    if not debian:
        raise SystemExit("prometheus-sql-exporter is missing: deploy/packages bench installs it")
    if not (BIN / "sql_exporter").exists():
        raise SystemExit(f"{BIN / 'sql_exporter'} is missing: cmake --build --preset release")
    return {"sql_exporter": BIN / "sql_exporter", "prometheus-sql-exporter": debian,
            "query-exporter": find_query_exporter()}  # fmt: skip


def write(folder, name, configuration):
    """Writes it as JSON, which is YAML, too."""
    path = folder / name
    path.write_text(json.dumps(configuration, indent=1))
    return path


class Exporters:
    """Makes the exporters of a part of the benchmark. Without an interval the queries run at each scrape."""

    def __init__(self, folder, database):
        self.folder, self.database, self.programs = folder, database, programs()

    def sources(self, users):
        return [{"name": user, "odbc": self.database.odbc(user), "password_file": str(self.database.password_file)}
                for user in users]  # fmt: skip

    def ours_of(self, configuration, *flags):
        port, file = free_port(), write(self.folder, "ours.yml", configuration)
        return Server("sql_exporter", [str(self.programs["sql_exporter"]), f"--config.file={file}",
                                       f"--web.listen-address=127.0.0.1:{port}", *flags], port)  # fmt: skip

    def debian_of(self, interval, connections, queries):
        """With one job, whose queries run one after the other, each for all connections at once."""
        port, file = free_port(), write(self.folder, "debian.yml", {"jobs": [
            {"name": "shop", "interval": interval, "connections": connections, "queries": queries}]})  # fmt: skip
        return Server("prometheus-sql-exporter", [self.programs["prometheus-sql-exporter"], f"-config.file={file}",
                                                  f"-web.listen-address=127.0.0.1:{port}"], port)  # fmt: skip

    def query_exporter_of(self, urls, metrics, queries):
        """With as many connections to a database as sql_exporter has by default."""
        port, file = free_port(), write(self.folder, "query_exporter.yml", {
            "databases": {name: {"dsn": url, "connection-pool": {"size": 3}} for name, url in urls.items()},
            "metrics": {name: {"type": "gauge", "description": "Of orders.", "labels": ["country"]} for name in metrics},
            "queries": {name: {"databases": list(urls), **query} for name, query in queries.items()}})  # fmt: skip
        return Server("query-exporter", [str(self.programs["query-exporter"]), f"--config={file}", "--host=127.0.0.1",
                                         "--process-stats", f"--port={port}"], port)  # fmt: skip

    def ours(self, queries, interval, users=(USER,)):
        pace = {"every": interval} if interval else {"on_scrape": True}
        return self.ours_of({"sources": self.sources(users), "collectors": {
            query.name: {**pace, "query": query.sql, "metrics": [
                {"name": name, "help": "Of orders.", "value": name, "labels": ["country"]} for name in query.metrics]}
            for query in queries}})  # fmt: skip

    def debian(self, queries, interval, users=(USER,)):
        urls = [self.database.url("postgres", "prometheus_sql_exporter", user) for user in users]
        return self.debian_of(interval, urls, [
            {"name": query.name, "help": "Of orders.", "labels": ["country"], "values": list(query.metrics),
             "query": query.sql} for query in queries])  # fmt: skip

    def query_exporter(self, queries, interval, users=(USER,)):
        pace = {"interval": interval} if interval else {}
        urls = {user: self.database.url("postgresql+psycopg2", "query_exporter", user) for user in users}
        return self.query_exporter_of(urls, [name for query in queries for name in query.metrics], {
            query.name: {"metrics": list(query.metrics), "sql": query.sql, **pace} for query in queries})  # fmt: skip

    def all(self, queries, interval, users=(USER,)):
        return [make(queries, interval, users) for make in (self.ours, self.debian, self.query_exporter)]


def database_of(server):
    return server.name.replace("-", "_")


def times_of(page):
    """For each query, when the oldest of its values on the page was read."""
    times = {}
    for number, value in re.findall(rb"^[^#\n]*shop_at_(\d\d)[^\n]* (\S+)$", page, re.M):
        times[int(number)] = min(float(value), times.get(int(number), float("inf")))
    return times


def wait_until_whole(server, queries, sources=1):
    give_up = time.monotonic() + BOUND
    wanted = len(queries) * sources * 10
    while len(re.findall(rb"^[^#\n]*shop_at_\d\d", server.get(PLAIN)[1], re.M)) < wanted:
        if time.monotonic() > give_up:
            raise SystemExit(f"{server.name} has no whole page after {BOUND} s")
        time.sleep(0.5)
