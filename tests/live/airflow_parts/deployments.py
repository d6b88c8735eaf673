"""Real deployments of Airflow: their databases, components, users, and API."""

import base64
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

from database import Postgres
from support import SOURCE, Process, folder, free_port
from waiting import BOUND, poll

ENVIRONMENTS = SOURCE / "build/live-airflow"
HERE = pathlib.Path(__file__).resolve().parents[1]
DAGS, PINS = HERE / "airflow_dags", HERE / "airflow_pins"
UV = "uv==0.13.9"
USERS = {"admin": "correct-horse", "exporter": "battery-staple"}
UNHEALTHY_AFTER = 30  # seconds without a heartbeat: Airflow's default


def descendants(pid):
    """The ids of all descendants of the process."""
    children = {}
    for each in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # the process may have ended
            text = pathlib.Path(f"/proc/{each}/stat").read_text()
            children.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(each))
    found, todo = [], [pid]
    while todo:
        more = children.get(todo.pop(), [])
        found += more
        todo += more
    return found


def uv():
    """The path of uv: the installed one, or one in a virtual environment, because Debian has none."""
    if found := shutil.which("uv"):
        return found
    own = ENVIRONMENTS / "uv"
    if not (own / "bin/uv").exists():
        subprocess.run([sys.executable, "-m", "venv", own], check=True)
        subprocess.run([own / "bin/python", "-m", "pip", "install", "--quiet", UV], check=True)
    return own / "bin/uv"


def install(release):
    """The directory of the programs of that release, installed unless complete."""
    place, pins = ENVIRONMENTS / release, PINS / f"{release}.txt"
    whole = place / "pins.txt"
    if not whole.exists() or whole.read_text() != pins.read_text():
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([uv(), "venv", "--quiet", "--python=3.11", place], check=True)
        subprocess.run([uv(), "pip", "install", "--quiet", "--no-deps",
                        "--compile-bytecode", f"--python={place}/bin/python", f"--requirement={pins}"],
                       check=True)  # fmt: skip
        whole.write_text(pins.read_text())
    return place / "bin"


class Airflow:
    """A deployment in its own directory. What differs by version is in subclasses."""

    def __init__(self, stack):
        self.stack, self.processes = stack, {}
        self.first_errors, self.pins = {}, PINS / f"{self.release}.txt"
        self.database = Postgres(stack)
        self.home = stack.enter_context(folder())
        self.programs = install(self.release)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.dags = self.home / "dags"
        shutil.copytree(DAGS, self.dags, ignore=shutil.ignore_patterns("__pycache__"))
        self.environment = {
            "AIRFLOW_HOME": str(self.home), "PATH": f"{self.programs}:{os.environ['PATH']}", "NO_COLOR": "1",
            **{f"AIRFLOW__{key.replace('.', '__')}".upper(): str(value) for key, value in {
                "core.dags_folder": self.dags, "core.load_examples": False, "core.executor": "LocalExecutor",
                "database.sql_alchemy_conn": self.database.url, "core.parallelism": 4, "core.fernet_key": "",
                "usage_data_collection.enabled": False,
                "scheduler.scheduler_heartbeat_sec": 2, "scheduler.job_heartbeat_sec": 2,
                "scheduler.scheduler_idle_sleep_time": 0.5, "scheduler.parsing_cleanup_interval": 5,
                "scheduler.task_instance_heartbeat_timeout": BOUND, "core.dagbag_import_timeout": BOUND,
                "logging.logging_level": "WARNING", **self.settings()}.items()}}

    def prepare(self):
        self.run("db", "migrate")

    def run(self, *command):
        with Process([self.programs / "airflow", *command], env=self.environment) as process:
            if process.wait(BOUND) != 0:
                raise SystemExit(f"airflow {' '.join(command)} failed:\n" + "\n".join(process.log()[-40:]))

    def start(self, component, *arguments):
        words = [self.programs / "airflow", component, *arguments]
        self.processes[component] = self.stack.enter_context(Process(words, env=self.environment))
        self.stack.callback(self.kill, component)

    def kill(self, component):
        """Kills it with all processes that it started, some of which have their own sessions, as an OOM
        kill of its control group does."""
        process = self.processes.pop(component, None)
        if not process:
            return
        for pid in (process.child.pid, *descendants(process.child.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(BOUND)

    def ask(self, method, path, body=None, failure=None):
        """The reply of Airflow's API to its administrator; None if it fails with the status `failure`."""
        data = body and json.dumps(body).encode()
        headers = {"Authorization": self.authorization()} | ({"Content-Type": "application/json"} if body else {})
        request = urllib.request.Request(f"{self.url}{self.api}{path}", method=method, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=BOUND) as reply:
                text = reply.read()
        except urllib.error.HTTPError as error:
            if error.code == failure:
                return None
            raise SystemExit(f"{method} {path}: {error.code} {error.read()[:500]}") from None
        return json.loads(text) if text else None

    def healthy(self):
        try:
            with urllib.request.urlopen(f"{self.url}{self.health}", timeout=BOUND) as reply:
                page = json.load(reply)
        except OSError:
            self.check_running()
            return False
        return all(page[name]["status"] == "healthy" for name in self.components)

    def check_running(self):
        for component, process in self.processes.items():
            if process.child.poll() is not None:
                raise SystemExit(f"airflow {component} has ended:\n" + "\n".join(process.log()[-40:]))

    def trigger(self, dag, run):
        self.ask("POST", f"/dags/{urllib.parse.quote(dag)}/dagRuns", {"dag_run_id": run, **self.new_run})

    def change_run(self, method, dag, run, path="", body=None):
        self.ask(method, f"/dags/{urllib.parse.quote(dag)}/dagRuns/{run}{path}", body)

    def add_pools(self):
        """Airflow 2 creates the pool without a limit, but its reply fails."""
        for name, slots, counts in (("small", 1, False), ("counts_deferred", 3, True), ("no_limit", -1, False)):
            self.ask("POST", "/pools", {"name": name, "slots": slots, "include_deferred": counts}, failure=500)


class Airflow2(Airflow):
    release, api, health = "2.11", "/api/v1", "/health"
    components = ("metadatabase", "scheduler", "triggerer")
    new_run, clear = {}, {}

    def settings(self):
        return {"api.auth_backends": "airflow.api.auth.backend.basic_auth", "webserver.base_url": self.url,
                "webserver.workers": 1, "webserver.worker_refresh_interval": 0, "webserver.secret_key": "k",
                "webserver.web_server_master_timeout": BOUND, "webserver.web_server_worker_timeout": BOUND,
                "scheduler.min_file_process_interval": 600, "scheduler.dag_dir_list_interval": 3,
                "scheduler.dag_stale_not_seen_duration": 10,
                "scheduler.scheduler_zombie_task_threshold": BOUND, "core.dag_file_processor_timeout": BOUND,
                "metrics.timer_unit_consistency": True}  # fmt: skip

    def start_all(self):
        self.start("webserver", f"--port={self.port}", "--hostname=127.0.0.1")
        self.start("scheduler", "--skip-serve-logs")
        self.start("triggerer", "--skip-serve-logs")
        poll(self.healthy, "Airflow is healthy")
        self.add_user("admin", "Admin")
        self.add_user("exporter", "Viewer")

    def add_user(self, name, role):
        """Adds a user, whose password hash has the lowest cost, because it is computed at each request."""
        password = hashlib.pbkdf2_hmac("sha256", USERS[name].encode(), b"salt", 1).hex()
        self.database.psql(
            "with one as (insert into ab_user (id, username, first_name, last_name, email, active, password) values "
            f"(nextval('ab_user_id_seq'), '{name}', '{name}', '{name}', '{name}@example.com', true, "
            f"'pbkdf2:sha256:1$salt${password}') returning id) insert into ab_user_role (id, user_id, role_id) select "
            f"nextval('ab_user_role_id_seq'), one.id, r.id from one, ab_role r where r.name = '{role}'")  # fmt: skip

    def authorization(self):
        return "Basic " + base64.b64encode(f"admin:{USERS['admin']}".encode()).decode()


class Airflow3(Airflow):
    release, api, health = "3.3", "/api/v2", "/api/v2/monitor/health"
    components = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    new_run, clear = {"logical_date": None}, {"only_failed": False}
    token = None

    def settings(self):
        passwords = self.home / "passwords.json"
        passwords.write_text(json.dumps(USERS))
        return {"core.simple_auth_manager_users": "admin:admin,exporter:viewer",
                "core.simple_auth_manager_passwords_file": passwords,
                "core.execution_api_server_url": f"{self.url}/execution/", "api.base_url": self.url,
                "api.workers": 1, "api.secret_key": "k", "api_auth.jwt_secret": "secret-of-the-test-" * 4,
                "dag_processor.min_file_process_interval": 600, "dag_processor.refresh_interval": 3,
                "dag_processor.bundle_refresh_check_interval": 1, "dag_processor.stale_dag_threshold": 10,
                "dag_processor.dag_file_processor_timeout": BOUND, "workers.execution_api_timeout": BOUND,
                "execution_api.jwt_expiration_time": 10 * BOUND}  # fmt: skip

    def start_all(self):
        self.start("api-server", f"--port={self.port}", "--host=127.0.0.1")
        self.start("scheduler", "--skip-serve-logs")
        self.start("dag-processor")
        self.start("triggerer", "--skip-serve-logs")
        poll(self.healthy, "Airflow is healthy")

    def authorization(self):
        if not self.token:
            request = urllib.request.Request(
                f"{self.url}/auth/token", data=json.dumps({"username": "admin", "password": USERS["admin"]}).encode(),
                headers={"Content-Type": "application/json"})  # fmt: skip
            with urllib.request.urlopen(request, timeout=BOUND) as reply:
                self.token = json.load(reply)["access_token"]
        return f"Bearer {self.token}"
