"""The benchmark's own PostgreSQL, with a database for each exporter, whose costs are measured separately."""

import contextlib
import pathlib
import threading
import time

from servers import PASSWORDS, PostgreSql

EXPORTERS = ("sql_exporter", "prometheus_sql_exporter", "query_exporter")
USER, PASSWORD = "monitor", PASSWORDS["monitor"]
SOURCES = [f"source_{number:02}" for number in range(50)]  # users, because one of the peers tells sources apart by them
KINDS, ROWS = 50, 100_000
PAUSE = """
create table pauses (seconds float8); insert into pauses values (0);
create function pause() returns int language plpgsql as $$
begin
  perform pg_sleep(seconds) from pauses where seconds > 0;
  return 1;
end $$"""
ORDERS = f"""
create table orders as select n as id, n % {KINDS} as kind, 'country ' || n / {KINDS} % 10 as country
  from generate_series(1, {ROWS}) n;
create index on orders (kind);
grant select on pauses, orders to public"""


class Database(PostgreSql):
    # Parallel workers are not connections of a user, so each query stays in its own process.
    SETTINGS = {**PostgreSql.SETTINGS, "log_statement": "none", "max_connections": "500", "shared_buffers": "512MB",
                "max_parallel_workers_per_gather": "0", "shared_preload_libraries": "pg_stat_statements",
                "max_wal_size": "4GB"}  # fmt: skip

    def __init__(self, top):
        super().__init__(top)
        self.password_file = top / "password"
        self.password_file.write_text(PASSWORD)
        self.admin(f"{PAUSE};{ORDERS}; create extension pg_stat_statements")
        for name in SOURCES:
            self.admin(f"create role {name} login password '{PASSWORD}'")
        for name in EXPORTERS:
            self.admin(f"create database {name} template shop", "postgres")
            self.admin("vacuum analyze", name)

    def odbc(self, user=USER):
        return (f"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={self.port};Database=sql_exporter;Uid={user};"
                "SSLmode=disable")  # fmt: skip

    def url(self, scheme, database, user=USER):
        return f"{scheme}://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}?sslmode=disable"

    def logins(self, name):
        return int(self.admin(f"select sessions from pg_stat_database where datname = '{name}'"))

    def statements(self, name):
        """The number of statements that have ended."""
        return int(self.admin("select coalesce(sum(calls), 0) from pg_stat_statements where dbid = "
                              f"(select oid from pg_database where datname = '{name}')"))  # fmt: skip

    def pause(self, seconds):
        """Sets how long the query that can hang takes from now on."""
        for name in EXPORTERS:
            self.admin(f"update pauses set seconds = {seconds}", name)

    def end_pauses(self):
        """Ends all pauses, including those that have started."""
        self.pause(0)
        self.admin("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'")


class Sessions:
    """The server's processes, by a word of their titles, sampled several times a second: their greatest
    number, and the CPU that each had used when last seen. A title is `postgres: USER DATABASE ADDRESS
    STATE`."""

    USER, DATABASE = 1, 2

    def __init__(self, database, names=EXPORTERS, word=DATABASE):
        self.postmaster, self.names, self.word = database.process.pid, names, word
        self.most, self.cpu, self.over = {}, {}, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.look()
        self.begin = self.totals()
        self.most.clear()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.look()

    def watch(self):
        while not self.over.wait(0.1):
            self.look()

    def look(self):
        now = {}
        for pid in pathlib.Path(f"/proc/{self.postmaster}/task/{self.postmaster}/children").read_text().split():
            with contextlib.suppress(OSError):
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_text().split()
                if len(words) > 3 and words[self.word] in self.names:
                    name = words[self.word]
                    self.cpu[name, pid] = time.clock_gettime((~int(pid) << 3) | 2)
                    now[name] = now.get(name, 0) + 1
        for name, count in now.items():
            self.most[name] = max(count, self.most.get(name, 0))

    def totals(self):
        return {name: sum(cpu for (of, _), cpu in self.cpu.items() if of == name) for name in self.names}

    def cpu_seconds(self, name):
        """The CPU seconds since the start of the block."""
        return self.totals()[name] - self.begin[name]
