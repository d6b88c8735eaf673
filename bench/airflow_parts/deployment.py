"""A real Airflow 3 with its own PostgreSQL. Each monitor has its own API server and database role, so that
its cost can be told from the costs of the others and of Airflow itself."""

import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import time
import urllib.request

from measure import ROOT, free_port
from processes import Process, cpu_seconds_of, wait_until

HERE = pathlib.Path(__file__).resolve().parent
PINS = [ROOT / "tests/live/airflow_pins/3.3.txt", HERE / "pins.txt"]
UV = "uv==0.13.9"
STATSD_EXPORTER = "github.com/prometheus/statsd_exporter@v0.24.0"
PROGRAMS = ROOT / "build/bench-airflow"
BOUND = 300  # seconds, for steps that take a few
PASSWORD = "battery-staple"
ROLES = ("airflow", "exporter", "plugin")


def uv():
    """The path of uv: the installed one, or one in a virtual environment, because Debian has none."""
    if found := shutil.which("uv"):
        return found
    own = PROGRAMS / "uv"
    if not (own / "bin/uv").exists():
        subprocess.run([sys.executable, "-m", "venv", own], check=True)
        subprocess.run([own / "bin/pip", "install", "--quiet", UV], check=True)
    return own / "bin/uv"


def install():
    """The directory of Airflow's programs and the path of statsd_exporter, installed because Debian has neither."""
    place, whole = PROGRAMS / "airflow", PROGRAMS / "airflow/pins.txt"
    pins = "".join(file.read_text() for file in PINS)
    if not whole.exists() or whole.read_text() != pins:
        subprocess.run([uv(), "venv", "--quiet", "--clear", "--python=3.11", place], check=True)
        subprocess.run([uv(), "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:",
                        "--compile-bytecode", f"--python={place}/bin/python",
                        *(f"--requirement={file}" for file in PINS)], check=True)  # fmt: skip
        whole.write_text(pins)
    statsd = PROGRAMS / STATSD_EXPORTER.rpartition("/")[2]
    if not (statsd / "statsd_exporter").exists():
        subprocess.run(["go", "install", STATSD_EXPORTER], check=True,
                       env={**os.environ, "GOBIN": str(statsd), "GOFLAGS": "-modcacherw"})  # fmt: skip
    return place / "bin", statsd / "statsd_exporter"


class Postgres:
    """Debian's PostgreSQL. It does not run as root; as root, the benchmark runs it as Debian's user."""

    def __init__(self, top):
        self.port = free_port()
        self.programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        place = top / "postgresql"
        place.mkdir()
        options = {"cwd": "/"}
        if os.getuid() == 0:
            top.chmod(0o755)
            shutil.chown(place, "postgres")
            options |= {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": ()}
        subprocess.run([self.programs / "initdb", "--auth=trust", "--username=airflow", "--encoding=UTF8",
                        "--locale=C.UTF-8", "--no-sync", "--pgdata", place / "data"],
                       check=True, stdout=subprocess.DEVNULL, **options)  # fmt: skip
        # Parallel workers are not connections of a role, so each query stays in its own process.
        settings = {"unix_socket_directories": "", "fsync": "off", "shared_buffers": "512MB",
                    "max_wal_size": "4GB", "max_parallel_workers_per_gather": 0,
                    "shared_preload_libraries": "pg_stat_statements",
                    "pg_stat_statements.track": "all"}  # fmt: skip
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        self.server = Process([self.programs / "postgres", "-D", place / "data", "-h", "127.0.0.1", "-p",
                               self.port, *words], top / "postgresql.log", **options)  # fmt: skip
        wait_until(self.answers, "PostgreSQL answers", BOUND)
        self.sql("create database airflow", "postgres")
        self.sql("create extension pg_stat_statements")
        for role in ROLES[1:]:
            self.sql(f"create role {role} superuser login")
        self.seen = {}  # CPU seconds by process of each role, including processes that have ended

    def answers(self):
        self.server.check_running()
        return self.psql("select 1", "postgres").returncode == 0

    def psql(self, sql, database="airflow"):
        return subprocess.run([self.programs / "psql", "--no-psqlrc", "--host=127.0.0.1", f"--port={self.port}",
                               "--username=airflow", "--tuples-only", "--no-align", "--quiet",
                               "--set=ON_ERROR_STOP=1", f"--dbname={database}"],
                              input=sql, capture_output=True, text=True,
                              env={**os.environ, "PGTZ": "UTC"})  # fmt: skip

    def sql(self, sql, database="airflow"):
        done = self.psql(sql, database)
        if done.returncode != 0:
            raise SystemExit(f"PostgreSQL: {done.stderr[-2000:]}")
        return done.stdout.strip()

    def rows(self, sql):
        return json.loads(self.sql(f"select coalesce(json_agg(r), '[]') from ({sql}) r"))

    def url(self, role, driver):
        return f"postgresql+{driver}://{role}@127.0.0.1:{self.port}/airflow"

    def cpu_seconds(self, role):
        """The CPU seconds of the role's connections since the start. One that has ended counts as of the last call."""
        pids = self.sql(f"select pid from pg_stat_activity where usename = '{role}' and pid <> pg_backend_pid()")
        seen = self.seen.setdefault(role, {})
        for pid in map(int, pids.split()):
            seen[pid] = max(seen.get(pid, 0), cpu_seconds_of([pid], with_ended=False))
        return sum(seen.values())


class Deployment:
    """Airflow in its own directory. Each component is a process that this class starts and stops."""

    def __init__(self, top, statsd_port):
        self.programs, self.statsd_exporter = install()
        self.home, self.processes = top / "airflow", {}
        shutil.copytree(HERE / "dags", self.home / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        (self.home / "passwords.json").write_text(json.dumps({"exporter": PASSWORD}))
        self.password_file = self.home / "password"
        self.password_file.write_text(PASSWORD)
        self.postgres = Postgres(top)
        self.ports = {role: free_port() for role in ROLES}
        self.environment = {
            "AIRFLOW_HOME": str(self.home), "PATH": f"{self.programs}:{os.environ['PATH']}", "NO_COLOR": "1",
            **{f"AIRFLOW__{key.replace('.', '__')}".upper(): str(value) for key, value in {
                "core.dags_folder": self.home / "dags", "core.load_examples": False,
                "core.executor": "LocalExecutor", "core.parallelism": 4, "core.fernet_key": "",
                "core.simple_auth_manager_users": "exporter:viewer",
                "core.simple_auth_manager_passwords_file": self.home / "passwords.json",
                "core.execution_api_server_url": f"{self.url('airflow')}/execution/",
                "api.base_url": self.url("airflow"), "api.workers": 1, "api.secret_key": "k",
                "api_auth.jwt_secret": "secret-of-the-bench-" * 4, "usage_data_collection.enabled": False,
                "dag_processor.min_file_process_interval": 3600, "dag_processor.refresh_interval": 300,
                "logging.logging_level": "WARNING", "metrics.statsd_on": True,
                "metrics.statsd_host": "127.0.0.1", "metrics.statsd_port": statsd_port,
            }.items()}}  # fmt: skip

    def url(self, role):
        return f"http://127.0.0.1:{self.ports[role]}"

    def environment_of(self, role):
        return {**self.environment, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self.postgres.url(role, "psycopg2"),
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": self.postgres.url(role, "asyncpg")}  # fmt: skip

    def run(self, *command):
        Process([self.programs / "airflow", *command], self.home / "commands.log",
                env=self.environment_of("airflow")).child.wait(BOUND)  # fmt: skip

    def start(self, name, *command, role="airflow"):
        self.processes[name] = Process([self.programs / "airflow", *command], self.home.parent / f"{name}.log",
                                       env=self.environment_of(role))  # fmt: skip

    def start_all(self):
        self.run("db", "migrate")
        for role in ROLES:
            self.start(f"api-server of {role}", "api-server", f"--port={self.ports[role]}", "--host=127.0.0.1",
                       role=role)  # fmt: skip
        self.start("scheduler", "scheduler")
        self.start("dag-processor", "dag-processor")
        wait_until(self.is_healthy, "Airflow is healthy", BOUND)
        wait_until(lambda: self.number("select count(*) from dag") > 0, "its DAGs are there", BOUND)

    def is_healthy(self):
        for process in self.processes.values():
            process.check_running()
        try:
            for role in ROLES:
                with urllib.request.urlopen(f"{self.url(role)}/api/v2/monitor/health", timeout=BOUND) as reply:
                    page = json.load(reply)
        except OSError:
            return False
        return all(page[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))

    def number(self, sql):
        return float(self.postgres.sql(sql) or 0)

    def work(self):
        """Unpauses the DAGs of the folder; their first runs are due now."""
        self.postgres.sql("update dag set is_paused = false, next_dagrun_create_after = now() "
                          "where dag_id like 'work_%'")  # fmt: skip

    def rest(self):
        """Starts no more runs, and returns when the last one has ended."""
        def has_ended():
            self.postgres.sql("update dag set next_dagrun_create_after = null where dag_id like 'work_%'")
            return not self.number("select count(*) from dag_run where state in ('queued', 'running')")

        wait_until(has_ended, "the last run has ended", BOUND)

    def cpu_seconds(self, role):
        """The CPU seconds of the API server for the role, and of the role's database connections."""
        return (self.processes[f"api-server of {role}"].cpu_seconds(), self.postgres.cpu_seconds(role))

    def own_cpu_seconds(self):
        """The CPU seconds of Airflow and of the whole database."""
        own = [process for name, process in self.processes.items() if not name.endswith(ROLES[1:])]
        return sum(process.cpu_seconds() for process in [*own, self.postgres.server])

    def stop(self):
        for process in reversed(self.processes.values()):
            process.stop()
        time.sleep(0.1)
        self.postgres.server.stop()
