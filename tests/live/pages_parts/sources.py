"""The five sources, and how each really fails and recovers."""

import datetime
import json
import pathlib
import sqlite3
import sys
import tempfile
import time
import uuid

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "deploy"))
import airflow_fake.server  # noqa: E402
import dbt_example  # noqa: E402
import fake_server  # noqa: E402
import snowflake_fake.server  # noqa: E402
from airflow_fake.scenario import Dag, Incidents, Task, Window  # noqa: E402
from airflow_fake.world import World  # noqa: E402
from quickstart import openssl  # noqa: E402
from shop_demo import shop  # noqa: E402
from snowflake_fake import objects  # noqa: E402
from snowflake_fake.account import Account  # noqa: E402
from snowflake_fake.auth import Auth, User  # noqa: E402
from snowflake_fake.protocol import Refusal  # noqa: E402

ORDERS = "shop.raw.orders"  # in a database, and as a source of the dbt project
NOT_RUN = {"test": "pass", "unit_test": "pass", "exposure": "no-op"}  # the results of nodes that are not built


class Airflow:
    """A deployment whose DAGs run every 15 seconds, in turn, so that there is always a running task."""

    def __init__(self, *dags):
        start = time.time()
        world = World(start, past=60, dags=[Dag(name, 15, Task(task, 6), owners=owner, offset=5 * number)
                                           for number, (name, task, owner) in enumerate(dags)],
                      incidents=Incidents(start))
        self.incidents = world.incidents
        self.fake = airflow_fake.server.Fake(world, fake_server.Clock(start))

    def configuration(self):
        each = {"interval": "3s"}
        return {"deployments": [{"name": "prod", "url": self.fake.url, "username": "viewer", "password": "viewer",
                                 "deadlines": [{"dag_id": "vendor_feed", "max_age": "1m"}]}],
                "collector": dict.fromkeys(("health", "runs", "pools", "assets", "import_errors", "jobs", "dags",
                                            "dag_warnings"), each)}

    def fail(self, dag, task):
        with self.fake.lock:
            self.incidents.failing[dag, task] = Window(time.time() - self.incidents.start, 1e9, 1e9)

    def repair(self, dag, task):
        with self.fake.lock:
            del self.incidents.failing[dag, task]


class Snowflake:
    """An account without activity of its own. A resource monitor stops TRANSFORM_WH at one credit."""

    WAREHOUSE = "TRANSFORM_WH"

    def __init__(self, folder):
        self.key = folder / "snowflake.p8"
        openssl("genrsa", "-out", self.key, "2048")
        openssl("rsa", "-in", self.key, "-pubout", "-out", f"{self.key}.pub")
        auth = Auth({"TEST-ACCOUNT"})
        auth.add(User("EXPORTER", [objects.EXPORTER_ROLE], None, [pathlib.Path(f"{self.key}.pub").read_text()]))
        self.account = Account(time.time(), past=3600, is_alive=False)
        self.monitor = self.account.monitors["TRANSFORM_BUDGET"]
        self.monitor.quota, self.monitor.suspend, self.monitor.suspend_immediately = 1, 90, 100
        self.fake = snowflake_fake.server.Fake(self.account, fake_server.Clock(time.time()), auth)

    def configuration(self):
        return {"accounts": [{"name": "prod", "identifier": "test-account", "url": self.fake.url, "user": "exporter",
                              "private_key_file": str(self.key), "role": objects.EXPORTER_ROLE}],
                "collector": {"warehouses": {"interval": "3s"}, "resource_monitors": {"interval": "3s"}}}

    def use_up(self):
        """Uses up the quota in seconds with a statement on the largest warehouse; the monitor suspends the
        warehouse."""
        with self.fake.lock:
            self.account.warehouses[self.WAREHOUSE].resize("6X-Large", self.account.now)
            self.account.run(self.WAREHOUSE, 600)
        while not self.is_suspended():
            time.sleep(0.1)

    def is_suspended(self):
        with self.fake.lock:
            now = self.fake.clock.now()
            self.account.advance(now)
            self.monitor.enforce(now)
            return not self.account.warehouses[self.WAREHOUSE].is_started()

    def run(self, warehouse):
        """The error of a statement, if there is one."""
        with self.fake.lock:
            self.account.advance(self.fake.clock.now())
            try:
                self.account.run(warehouse, 0.1)
            except Refusal as refusal:
                return f"Database Error\n  {refusal.code} ({refusal.sql_state}): {refusal.message}"
        return None

    def raise_quota(self):
        with self.fake.lock:
            self.monitor.quota = 1000


class Dbt:
    """The target directory of a project: the one of examples/dbt, with a database named after the project."""

    def __init__(self, folder, name, dag_id):
        self.folder, self.name, self.dag_id = folder, name, dag_id
        folder.mkdir()
        self.build("LOAD_WH")
        self.measure_freshness(dict.fromkeys(("max_loaded_at", "snapshotted_at"), now()))

    def build(self, warehouse, errors=None):
        """Writes the artifacts of `dbt build`, with errors by model; nodes that depend on these are skipped."""
        written = self.written("manifest", "run_results")
        manifest, results = written["manifest"], written["run_results"]
        errors = {f"model.shop.{name}": message for name, message in (errors or {}).items()}
        broken = descendants(manifest, errors)
        for result in results["results"]:
            node = result["unique_id"]
            result["status"] = "skipped" if node in broken else NOT_RUN.get(node.split(".")[0], "success")
            result["message"], result["failures"] = None, None
            if node in errors:
                result["status"], result["message"] = "error", errors[node]
        results["metadata"]["env"] = {"DAG_ID": self.dag_id, "TASK_ID": "dbt_build", "WAREHOUSE": warehouse}
        self.put(manifest=manifest, run_results=results)

    def measure_freshness(self, times):
        """Writes the artifacts of `dbt source freshness` with these times for the orders. All other sources
        are fresh."""
        sources = self.written("sources")["sources"]
        sources["results"].append(sources["results"][0] | {"unique_id": "source.shop.raw.reviews"})
        for result in sources["results"]:
            is_orders = result["unique_id"].endswith(".orders")
            result.update(times if is_orders else dict.fromkeys(times, now()))
            age = seconds_of(result["snapshotted_at"]) - seconds_of(result["max_loaded_at"])
            result["max_loaded_at_time_ago_in_s"], result["status"] = age, "warn" if age > 6 * 3600 else "pass"
        self.put(sources=sources)

    def written(self, *names):
        """The artifacts of the example, as if dbt had just written them."""
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder) / "target"
            dbt_example.write_to(place)
            found = {name: (place / f"{name}.json").read_text() for name in names}
        database = r'\"shop\".\"'
        return {name: json.loads(text.replace(database, database.replace("shop", self.name)))
                for name, text in found.items()}

    def put(self, **artifacts):
        """Writes artifacts with the id of one invocation, each atomically."""
        invocation = str(uuid.uuid4())
        for name, artifact in artifacts.items():
            artifact["metadata"]["invocation_id"] = invocation
            path = self.folder / f"{name}.json"
            path.with_suffix(".new").write_text(json.dumps(artifact))
            path.with_suffix(".new").replace(path)


def descendants(manifest, nodes):
    """All nodes that depend on these, without these."""
    found, known = set(), set(nodes)
    parts = [*manifest["nodes"].items(), *manifest["exposures"].items()]
    while more := {name for name, node in parts if known & set(node["depends_on"].get("nodes", []))} - known:
        known |= more
        found |= more
    return found


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Orders:
    """A shop with two days of orders in SQLite, which a load can lose and restore."""

    LOST = datetime.timedelta(hours=8)

    def __init__(self, folder):
        shop.HISTORY, shop.CUSTOMERS = datetime.timedelta(days=2), 1000
        made = shop.Shop(folder, shop.now())
        made.database.close()
        self.folder, self.lost = folder, []

    def configuration(self):
        """The configuration of the demo for the orders only, with short intervals and one data set for
        table and business."""
        config = yaml.safe_load(shop.configuration(self.folder))
        orders = config["quality"]["shop"]["tables"]["orders"] | {"dataset": ORDERS, "severity": "critical"}
        return {"sources": config["sources"][:1],
                "quality": {"shop": {"every": "3s", "owner": "team-shop", "tables": {"orders": orders}}},
                "business": config["business"] | {"dataset": ORDERS, "every": "3s"}}

    def query(self, statement, *arguments):
        connection = sqlite3.connect(self.folder / "shop.db", timeout=60)
        with connection:
            rows = connection.execute(statement, *arguments).fetchall()
        connection.close()
        return rows

    def lose(self):
        """Deletes the last hours, like a load that replaces them and finds no rows."""
        since = (shop.text_of(shop.now() - self.LOST),)
        self.lost = self.query("DELETE FROM orders WHERE created_at > ? RETURNING *", since)

    def load(self):
        connection = sqlite3.connect(self.folder / "shop.db", timeout=60)
        with connection:
            connection.executemany(f"INSERT INTO orders VALUES ({', '.join('?' * len(self.lost[0]))})", self.lost)
        connection.close()

    def freshness(self):
        """The times that dbt would measure."""
        newest = self.query("SELECT max(created_at) FROM orders")[0][0]
        return {"max_loaded_at": newest.replace(" ", "T") + "Z", "snapshotted_at": now()}
