"""The data for the checks of dashboards: real exporters, and a real Prometheus with its answers."""

import contextlib
import fnmatch
import json
import math
import re
import shutil
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import dbt_cloud
import dbt_projects
import engine
import support
import yaml
from dashboard_files import Query
from dashboard_metrics import label_values
from dashboard_project import selectors
from dashboard_view import filled
from recorded_machine import FIXTURES, RecordedMachine

sys.path.insert(0, str(support.SOURCE / "deploy"))
from airflow_fake.server import Fake  # noqa: E402
from airflow_fake.world import World  # noqa: E402
from fake_server import Clock  # noqa: E402
from shop_demo import shop  # noqa: E402
from snowflake_fake import objects  # noqa: E402
from snowflake_fake.account import Account  # noqa: E402
from snowflake_fake.auth import Auth, User  # noqa: E402
from snowflake_fake.server import Fake as Snowflake  # noqa: E402

INTERVAL, MAX_INTERVAL = 2, 15  # seconds between two scrapes; there must be several within $__rate_interval
AIRFLOW_COLLECTORS = ("health", "dags", "dag_warnings", "import_errors", "pools", "runs", "assets", "jobs")
SNOWFLAKE_COLLECTORS = ("warehouses", "resource_monitors", "dynamic_tables", "tasks", "pipes",
                        "replication_groups", "databases")
SNOWFLAKE_GROUPS = ("cost", "queries", "attribution", "query_tags", "storage", "logins", "loads", "task_runs", "credentials",
                    "currency")
LATER = 660  # seconds that pass at once in Airflow: runs due every five minutes end, the triggerer is dead
AIRFLOWS_READ = ("airflow_runs_read_timestamp_seconds"
                 " and on (deployment) airflow_asset_events_read_timestamp_seconds")
SHOP_LATER = shop.COLUMN_AFTER + shop.HOUR  # long enough for orders at night, too
SHOP_READ = "business_orders_total and on (instance) sql_quality_schema_hash"
ENVIRONMENT = "test"
RANGE = 600  # of a range query, in seconds
# The values that Grafana would insert, here the same for all queries.
REPLACEMENTS = {"$__rate_interval": "1m", "$__range": "10m", "$__interval": "15s"}

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Expected:
    """What may be missing, and why, according to a file."""

    def __init__(self, path):
        body = yaml.safe_load(path.read_text()) if path.exists() else {}
        self.path = path
        self.metrics = body.get("metrics") or {}
        self.empty, self.by_chance, self.counts = (
            {
                (file, place): reason
                for file, places in (body.get(kind) or {}).items()
                for place, reason in places.items()
            }
            for kind in ("empty", "by_chance", "counts")
        )
        for entry, reason in [*self.metrics.items(), *self.empty.items(), *self.by_chance.items()]:
            if not reason:
                raise SystemExit(f"{path}: {entry} has no reason")

    def metric(self, name):
        """The entry that allows a metric which no exporter has."""
        return next((entry for entry in self.metrics if fnmatch.fnmatch(name, entry)), None)

    def may_be_empty(self, file, place, expr):
        return (file, place) in {**self.empty, **self.by_chance} or any(
            self.metric(item.metric) for item in selectors(expr))


def airflow(version):
    """A fake Airflow in which runs succeed and fail, according to its scenario."""
    clock = Clock()
    return Fake(World(clock.now(), version), clock)


def snowflake():
    """A fake account with activity and failures, and its user."""
    clock, auth = Clock(), Auth({"DEMO-ACCOUNT"})
    auth.add(User("EXPORTER", [objects.EXPORTER_ROLE], objects.EXPORTER_WAREHOUSE,
                  tokens={"PROGRAMMATIC_ACCESS_TOKEN": "pat"}))
    return Snowflake(Account(clock.now()), clock, auth)


class Live:
    """Prometheus with the project's configuration, which scrapes real exporters every two seconds, or as
    often as this machine can.

    host_exporter monitors this machine, and recorded machines for what this one may lack; dbt_exporter
    projects in several states, with data of nine days before; airflow_exporter fake Airflows, in which
    minutes pass at once; snowflake_exporter a fake account; sql_exporter the shop of the demo, in which an
    hour passes at once. One more target does not exist. Alerts have no pending time.
    """

    def __init__(self, root):
        self.root = root
        self.interval = min(max(INTERVAL, math.ceil(10 * support.seconds_of_a_page())), MAX_INTERVAL)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            port = support.free_port()
            machines = [self._this_one(port), self._with_containers(stack, folder),
                        self._at_work(stack, folder), self._with_a_failure()]
            hosts = [stack.enter_context(support.Exporter(*flags)) for flags in machines]
            cloud = stack.enter_context(dbt_cloud.Cloud())
            airflows = [stack.enter_context(airflow(version)) for version in ("2.11", "3.3")]
            account = stack.enter_context(snowflake())
            jobs = {"host": [*(host.port for host in hosts), support.free_port()],
                    "dbt": [self._dbt(stack, folder, cloud)],
                    "airflow": [self._airflow(stack, folder, airflows)],
                    "snowflake": [self._snowflake(stack, folder, account)],
                    "sql": [self._sql(stack, folder)],
                    "prometheus": [port]}
            config = self._configure(folder, jobs)
            stack.enter_context(support.Process([
                "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ]))  # fmt: skip
            self.url = f"http://127.0.0.1:{port}"
            support.poll(self._ready, "Prometheus is ready")
            support.poll(lambda: len(ask(self.url, "query", query="dbt_up")) == dbt_projects.COUNT,
                         "Prometheus knows what runs there were")
            dbt_projects.run_again(folder / "dbt")
            cloud.end_runs()
            support.poll(lambda: len(ask(self.url, "query", query=AIRFLOWS_READ)) == len(airflows),
                         "Prometheus knows from when on runs and events are counted")
            for fake in airflows:
                fake.clock.advance(LATER)
            support.poll(lambda: ask(self.url, "query", query=SHOP_READ),
                         "Prometheus knows the orders of the shop and the columns of its tables")
            self._shop.advance(shop.now())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _this_one(self, prometheus_port):
        """Flags for probes of a target that answers, over HTTP and TCP, and of one that does not exist."""
        targets = (f"http://127.0.0.1:{prometheus_port}/-/healthy",
                   f"tcp://127.0.0.1:{prometheus_port}", "tcp://127.0.0.1:1")
        return (f"--collector.probe.interval={self.interval}s", "--collector.container.socket=",
                *(f"--collector.probe.target={target}" for target in targets))

    @staticmethod
    def _with_containers(stack, folder):
        """Recorded control groups with an engine that returns the names and states of containers; one
        container has exited."""
        machine = stack.enter_context(RecordedMachine(
            folder / "containers", [FIXTURES / "container/v2_docker"], ["sys/**/docker-*/cpu.stat"]))
        running = [path.name.removeprefix("docker-").removesuffix(".scope")
                   for path in sorted((machine.path / "sys").rglob("docker-*.scope"))]
        containers = [engine.container(identity, f"airflow-{i}", health="unhealthy" if i else "healthy")
                      for i, identity in enumerate(running)]
        containers.append(engine.container("e" * 64, "ended", "exited", 137, OOMKilled=True))
        socket = folder / "engine.sock"
        stack.enter_context(engine.Engine(socket, containers))
        return ("--collector.disable-defaults", "--collector.container",
                f"--collector.container.socket={socket}", "--collector.container.size-interval=10s",
                *machine.flags())

    @staticmethod
    def _at_work(stack, folder):
        machine = stack.enter_context(RecordedMachine(
            folder / "at_work", sorted(FIXTURES.glob("*/typical")),
            ["proc/diskstats", "proc/self/net/dev", "proc/self/net/snmp"]))
        (machine.path / "proc/1/net").symlink_to("../self/net")
        disk = machine.path / "root/srv/data"
        disk.unlink()
        disk.symlink_to("/dev/shm")  # any file system with space and inodes
        return ("--collector.container.socket=", *machine.flags())

    @staticmethod
    def _with_a_failure():
        return ("--collector.disable-defaults", "--collector.pressure",
                f"--path.procfs={FIXTURES}/pressure/malformed/proc")

    @staticmethod
    def _dbt(stack, folder, cloud):
        """The port of a dbt_exporter. Prometheus has data of nine days before its page."""
        config = dbt_projects.write(folder / "dbt", cloud)
        exporter = stack.enter_context(support.Exporter(
            f"--config.file={config}", "--collector.artifacts.interval=1s", name="dbt_exporter"))
        page = support.poll(
            lambda: (page := exporter.page()).count("\ndbt_up{") == dbt_projects.COUNT and page,
            "dbt_exporter shows its projects")
        address = (f'job="dbt",instance="127.0.0.1:{exporter.port}",host="127.0.0.1",'
                   f'environment="{ENVIRONMENT}"')
        dbt_projects.make_past(page, address, folder)
        return exporter.port

    def _airflow(self, stack, folder, fakes):
        """The port of an airflow_exporter for these fakes, and for one deployment that does not answer."""
        deployments = [{"name": fake.world.version, "url": fake.url, "username": "viewer", "password": "viewer",
                        "budget": {"requests_per_second": 100, "burst": 100},
                        "deadlines": [{"dag_id": "ingest_.*", "max_age": "10m"}]} for fake in fakes]
        deployments.append({"name": "gone", "url": "http://127.0.0.1:1", "bearer_token": "x"})
        config = folder / "airflow_exporter.yml"
        config.write_text(yaml.safe_dump({"deployments": deployments}))
        intervals = (f"--collector.{name}.interval={self.interval}s" for name in AIRFLOW_COLLECTORS)
        return stack.enter_context(support.Exporter(
            f"--config.file={config}", "--collector.runs.by-task", *intervals,
            name="airflow_exporter")).port

    def _snowflake(self, stack, folder, fake):
        """The port of a snowflake_exporter for this account, and for one that does not answer."""
        common = {"programmatic_access_token": "pat", "role": objects.EXPORTER_ROLE,
                  "warehouse": objects.EXPORTER_WAREHOUSE,
                  "collector": {name: {"enabled": True} for name in SNOWFLAKE_GROUPS},
                  "query_tag_keys": ["team"], "budget": {"requests_per_second": 100, "burst": 100}}
        accounts = [{"name": "demo", "identifier": "DEMO-ACCOUNT", "url": fake.url, **common},
                    {"name": "gone", "identifier": "GONE", "url": "http://127.0.0.1:1", **common}]
        config = folder / "snowflake_exporter.yml"
        config.write_text(yaml.safe_dump({"accounts": accounts}))
        intervals = (f"--collector.{name}.interval={self.interval}s" for name in SNOWFLAKE_COLLECTORS)
        return stack.enter_context(support.Exporter(
            f"--config.file={config}", *intervals, name="snowflake_exporter")).port

    def _sql(self, stack, folder):
        """The port of a sql_exporter for the shop of the demo, with short intervals."""
        directory, config = folder / "shop", folder / "sql_exporter.yml"
        self._shop = shop.Shop(directory, shop.now() - SHOP_LATER)
        stack.callback(self._shop.database.close)
        config.write_text(re.sub(r"every: (\d+s|1m)\b", f"every: {self.interval}s", shop.configuration(directory)))
        return stack.enter_context(support.Exporter(
            f"--config.file={config}", f"--state.dir={folder}/sql_state", name="sql_exporter")).port

    def _configure(self, folder, jobs):
        for name in ("prometheus", "alerts"):
            shutil.copytree(self.root / name, folder / name)
        config = folder / "prometheus/prometheus.yml"
        body = yaml.safe_load(config.read_text())
        body["global"] = {"scrape_interval": f"{self.interval}s",
                          "scrape_timeout": f"{self.interval}s",
                          "evaluation_interval": f"{self.interval}s"}
        for scrape in body["scrape_configs"]:
            scrape.pop("scrape_interval", None)
        config.write_text(yaml.safe_dump(body))
        for path in [*(folder / "alerts").glob("*.yml"), *(folder / "prometheus/rules").glob("*.yml")]:
            text = re.sub(r"^( +for:) .*$", r"\1 0s", path.read_text(), flags=re.M)
            path.write_text(re.sub(r"^( +interval:) .*$", rf"\1 {self.interval}s", text, flags=re.M))
        for job, ports in jobs.items():
            targets = [{"targets": [f"127.0.0.1:{number}" for number in ports],
                        "labels": {"environment": ENVIRONMENT}}]
            (folder / f"prometheus/targets/{job}.yml").write_text(yaml.safe_dump(targets))
        return config

    def _ready(self):
        with contextlib.suppress(OSError), OPENER.open(f"{self.url}/-/ready", timeout=support.START):
            return True


def ask(url, what, **parameters):
    """The result of a request to Prometheus's API."""
    call = f"{url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
    try:
        with OPENER.open(call, timeout=support.START) as reply:
            data = json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from error
    return data["result"] if isinstance(data, dict) else data


def answer(url, query, variables):
    expr, now = filled(query.expr, REPLACEMENTS | variables), time.time()
    if query.instant:
        return ask(url, "query", query=expr)
    return ask(url, "query_range", query=expr, start=now - RANGE, end=now, step=INTERVAL)


def variable_values(url, board, variable):
    found = label_values(variable)
    if not found:
        raise ValueError(f"{variable.get('query')} is not label_values(…, label)")
    chosen = of_environment(board)
    matcher = {"match[]": filled(found[0], REPLACEMENTS | chosen)} if found[0] else {}
    return ask(url, f"label/{found[1]}/values", start=time.time() - RANGE, end=time.time(), **matcher)


def of_environment(board):
    """Selects everything in the environment of all targets: data that lost its label is not found."""
    return all_of(board) | {"$environment": ENVIRONMENT}


def all_of(board):
    return {f"${variable['name']}": variable["allValue"] for variable in board.variables
            if variable.get("allValue")}


class Round:
    """One round of all queries: those that fail, and those without a result."""

    def __init__(self, url, dashboards):
        self.errors, self.asked, self.empty = [], set(), {}
        for board in dashboards:
            for query in [*board.panel_queries(), *board.annotation_queries()]:
                self._note(query, lambda query=query, board=board: answer(url, query, of_environment(board)))
            for variable in board.queried_variables():
                query = Query(board.path.name, f"variable {variable['name']}", variable.get("query"), True)
                self._note(query, lambda variable=variable, board=board: variable_values(url, board, variable))

    def _note(self, query, call):
        self.asked.add((query.file, query.place))
        try:
            if not call():
                self.empty[query.file, query.place] = query.expr
        except ValueError as error:
            self.errors.append(f"{query.file}: {query.place}: {error}: {query.expr}")


def ask_all(url, dashboards, expected, patience):
    """The problems with Prometheus's answers. Missing data may still appear until `patience` is over."""
    end = time.monotonic() + patience
    while True:
        now = Round(url, dashboards)
        missing = [key for key, expr in now.empty.items() if not expected.may_be_empty(*key, expr)]
        if now.errors or not missing or time.monotonic() > end:
            break
        time.sleep(INTERVAL)
    problems = now.errors + [f"{file}: {place}: finds nothing: {now.empty[file, place]}"
                             for file, place in missing]
    for file, place in expected.empty:
        if (file, place) not in now.empty:
            problems.append(f"{expected.path.name}: empty: {file}: {place} is not needed")
    return problems + [f"{expected.path.name}: by_chance: {file}: there is no {place}"
                       for file, place in expected.by_chance if (file, place) not in now.asked]
