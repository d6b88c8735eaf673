"""100,000 rows a minute into exact counters; some rows commit late, are corrected or deleted."""

import contextlib
import re
import subprocess
import threading
import time

from database import SOURCES, USER, Sessions
from measure import PLAIN, print_table

RATE, OLDER = 100_000, 1_000_000  # rows a minute, and rows that exist before
EVERY, OVERLAP, LATE = 30, 30, 600  # seconds
GOAL = 0.1  # of a core
FACTS = f"""
create table facts (id bigint generated always as identity primary key, created_at timestamptz not null,
  country text not null, amount numeric(10, 2) not null, seconds int not null);
insert into facts (created_at, country, amount, seconds)
  select now() - interval '1 hour' - n * interval '0.1 s', 'country ' || n % 50, n % 10000 / 100.0, n % 100000
  from generate_series(1, {OLDER}) n;
create index on facts (created_at);
grant select on facts to public;
analyze facts"""
INSERT = """insert into facts (created_at, country, amount, seconds)
  select clock_timestamp(), 'country ' || n % 50, n % 10000 / 100.0, n % 100000 from generate_series(1, {}) n;"""
COLUMNS = ("facts_count", "facts_amount")
COUNT = (f"SELECT country, count(*) AS {COLUMNS[0]}, CAST(sum(amount) AS float8) AS {COLUMNS[1]} "
         "FROM facts GROUP BY country")  # fmt: skip
PEERS = SOURCES[:2]  # users
BOUND = 120


class Writer:
    """One session that writes in time, and one whose transactions take five seconds each."""

    def __init__(self, database):
        self.words, self.over, self.written = database.psql_words("sql_exporter"), threading.Event(), 0
        self.corrects = True
        self.threads = [threading.Thread(target=each) for each in (self.write, self.write_late)]

    def __enter__(self):
        self.begin = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    @contextlib.contextmanager
    def session(self):
        with subprocess.Popen(list(map(str, self.words)), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              text=True) as session:  # fmt: skip
            yield lambda sql: print(sql, file=session.stdin, flush=True)
            session.stdin.close()
            if session.wait():
                raise RuntimeError("a session that writes has failed")

    def write(self):
        """Inserts, each second, the rows due until now; of the last seconds one row is corrected and one deleted."""
        with self.session() as send:
            while not self.over.wait(1):
                more = int((time.monotonic() - self.begin) / 60 * RATE) - self.written
                send(INSERT.format(more))
                self.written += more
                if self.corrects:
                    send("with newest as (select max(id) as id from facts), gone as "
                         "(delete from facts where id = (select id - 500 from newest)) "
                         "update facts set amount = amount + 1, country = 'country 7' "
                         "where id = (select id - 1000 from newest);")  # fmt: skip

    def write_late(self):
        with self.session() as send:
            while not self.over.wait(10):
                send(f"begin; {INSERT.format(100)} select pg_sleep(5); commit;")


def ours(exporters):
    """The collector of docs/sql.md, with times for a table that is written this fast."""
    return exporters.ours_of({"sources": exporters.sources([USER]), "collectors": {"facts": {
        "every": f"{EVERY}s",
        "events": {"query": "SELECT id, created_at, country, amount, seconds FROM facts "
                            "WHERE created_at >= :since AND created_at < :until",
                   "unit": "id", "when": "created_at", "overlap": f"{OVERLAP}s", "late": f"{LATE}s"},
        "metrics": [
            {"name": "shop_facts_total", "help": "Facts.", "type": "counter", "labels": ["country"]},
            {"name": "shop_amount_eur_total", "help": "Their amount.", "type": "counter", "value": "amount",
             "labels": ["country"]},
            {"name": "shop_fact_seconds", "help": "How long they took.", "type": "histogram", "value": "seconds",
             "buckets": [3600, 43200, 86400]}]}}},
        f"--state.dir={exporters.folder / 'state'}")  # fmt: skip


def peers(exporters):
    """The peers can only count the whole table each time; they have no histogram."""
    url = exporters.database.url
    yield exporters.debian_of(f"{EVERY}s", [url("postgres", "sql_exporter", PEERS[0])], [
        {"name": "facts", "help": "Facts.", "labels": ["country"], "values": list(COLUMNS), "query": COUNT}])
    yield exporters.query_exporter_of(
        {"shop": url("postgresql+psycopg2", "sql_exporter", PEERS[1])}, COLUMNS,
        {"facts": {"metrics": list(COLUMNS), "sql": COUNT, "interval": EVERY}})  # fmt: skip


def values_of(page, name):
    return {labels: float(value) for labels, value in re.findall(rf"^{name}(?:\{{(.*)\}})? (\S+)$", page, re.M)}


def page_of(server):
    return server.get(PLAIN)[1].decode()


def total(page, name):
    return sum(values_of(page, name).values())


def truth_of(database, newest_before):
    """The number of rows and the amount by country."""
    rows = database.admin(f"select country, count(*), sum(amount) from facts where id > {newest_before} group by 1",
                          "sql_exporter")  # fmt: skip
    return {country: (float(count), float(amount)) for country, count, amount in
            (row.split("|") for row in rows.splitlines())}  # fmt: skip


def counted(page):
    amounts = {re.search('country="(.*?)"', labels)[1]: value
               for labels, value in values_of(page, "shop_amount_eur_total").items()}
    return {country: (value, round(amounts[country], 2)) for labels, value in values_of(page, "shop_facts_total").items()
            for country in [re.search('country="(.*?)"', labels)[1]]}  # fmt: skip


def differences(database, server, newest_before):
    """The differences between the counters and the table, once it has been read to its end."""
    give_up = time.monotonic() + 4 * EVERY
    while True:
        truth, found = truth_of(database, newest_before), counted(page_of(server))
        wrong = {country: (truth.get(country), found.get(country)) for country in truth.keys() | found.keys()
                 if truth.get(country) != found.get(country)}  # fmt: skip
        if not wrong or time.monotonic() > give_up:
            return wrong
        time.sleep(1)


def wait_until_read(server):
    """Waits for the first run, so that later rows are written after the exporter's start."""
    give_up = time.monotonic() + BOUND
    while not total(page_of(server), "exporter_collector_last_success_timestamp_seconds"):
        if time.monotonic() > give_up:
            raise SystemExit("sql_exporter has not read the events")
        time.sleep(0.5)


def measure_window(database, servers, writer, seconds):
    """Measures the CPU of each server and of its part of the database, as a share of a core, and rows a second."""
    ours, users = servers[0], (USER, *PEERS)
    before, written = page_of(ours), writer.written
    with Sessions(database, users, Sessions.USER) as sessions:
        cpu, begin = [server.cpu_seconds() for server in servers], time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - begin
        cpu = [(server.cpu_seconds() - used) / took for server, used in zip(servers, cpu)]
    after = page_of(ours)
    read = total(after, "sql_query_rows_total") - total(before, "sql_query_rows_total")
    return cpu, [sessions.cpu_seconds(user) / took for user in users], (writer.written - written) / took, read / took


def measure(exporters, database, seconds, missed):
    database.admin(FACTS, "sql_exporter")
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(ours(exporters))]
        wait_until_read(servers[0])
        servers += [stack.enter_context(peer) for peer in peers(exporters)]
        with Writer(database) as writer:
            time.sleep(2 * EVERY + 5)
            cpu, of_database, written, read = measure_window(database, servers, writer, seconds)
            writer.corrects = False
            time.sleep(2 * EVERY)  # until growth makes up for corrections, because a counter does not fall
        wrong = differences(database, servers[0], OLDER)
        counted_in_all = total(page_of(servers[0]), "shop_facts_total")
        memory = [(server.memory_bytes(), server.memory_bytes("VmHWM")) for server in servers]
    late = LATE / 3600 * RATE / 60 * cpu[0] / read  # once an hour all rows that may be late are read again
    print(f"{written * 60:,.0f} rows a minute, of which {read * 60:,.0f} are read a minute, each {EVERY} s; an overlap "
          f"of {OVERLAP} s; {seconds} s. With what is read once an hour, `late` of {LATE // 60} minutes: "
          f"{(cpu[0] + late) * 100:.1f} % of a core.\n")  # fmt: skip
    print_table(("exporter", "CPU % of a core", "database's", "CPU us a row read", "resident MB", "at most"), [
        (server.name, f"{used * 100:.2f}", f"{of * 100:.2f}", f"{used / read * 1e6:.1f}" if server is servers[0] else "",
         f"{resident / 1e6:.1f}", f"{most / 1e6:.1f}")
        for server, used, of, (resident, most) in zip(servers, cpu, of_database, memory)])  # fmt: skip
    print(f"{counted_in_all:,.0f} rows are counted; counters that differ from the table: {len(wrong)}\n")
    if wrong:
        missed.append(f"events: counters differ from the table: {dict(list(wrong.items())[:3])}")
    if cpu[0] + late > GOAL:
        missed.append(f"events: {(cpu[0] + late) * 100:.1f} % of a core, at most {GOAL * 100:.0f}")
