"""The metadata database of a deployment, read by SQL. It is PostgreSQL: SQLite has one writer at a time,
for which components of Airflow 3 do not wait long enough."""

import contextlib
import datetime
import json
import os
import pathlib
import pwd
import shutil
import subprocess

from support import Process, folder, free_port
from waiting import BOUND, poll


def timestamp(value):
    """The seconds since 1970 of a time from the database; None for None."""
    if value is None:
        return None
    time = datetime.datetime.fromisoformat(value)
    return time.replace(tzinfo=time.tzinfo or datetime.timezone.utc).timestamp()


class Postgres:
    """A server on a free port. It does not run as root; as root, the test runs it as Debian's user."""

    def __init__(self, stack):
        self.port = free_port()
        self.url = f"postgresql+psycopg2://airflow@127.0.0.1:{self.port}/airflow"
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            raise SystemExit("no PostgreSQL: deploy/packages live installs it")
        place = stack.enter_context(folder())
        user = {}
        if os.getuid() == 0:
            user = {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": ()}
            shutil.chown(place, "postgres")
        subprocess.run([programs[-1] / "initdb", "--auth=trust", "--username=airflow", "--encoding=UTF8",
                        "--locale=C.UTF-8", "--no-sync", "--pgdata", place / "data"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/", **user)  # fmt: skip
        self.process = stack.enter_context(Process(
            [programs[-1] / "postgres", "-D", place / "data", "-h", "127.0.0.1", "-p", str(self.port),
             "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "shared_buffers=32MB"],
            cwd="/", **user))  # fmt: skip
        poll(self.answers, "PostgreSQL answers")
        self.psql("create database airflow", database="postgres")

    def answers(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.psql("select 1", database="postgres") == "1"

    def psql(self, sql, database="airflow"):
        words = ["psql", "--no-psqlrc", "--host=127.0.0.1", f"--port={self.port}", "--username=airflow",
                 "--tuples-only", "--no-align", "--quiet", f"--dbname={database}", f"--command={sql}"]  # fmt: skip
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={**os.environ, "PGTZ": "UTC"}).stdout.strip()  # fmt: skip

    def rows(self, sql):
        return json.loads(self.psql(f"select coalesce(json_agg(r), '[]') from ({sql}) r"))
