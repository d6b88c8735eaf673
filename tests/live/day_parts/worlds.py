"""The sources, whose events the test knows: each can fail, and knows what its exporter must show."""

import contextlib
import http.client
import http.server
import json
import re
import threading
import time
import uuid

import airflow_exact_test
import airflow_fake.server
import dbt_example
import fake_server
from airflow_fake.scenario import ORDERS, Dag, Incidents, Task
from airflow_fake.world import World as Deployment
from gate import MODES, Gate
from support import samples
from world import Worker, World, different

class Airflow(World):
    """A deployment whose DAGs run every 15 s and succeed, some only after a retry."""

    name, alert, modes = "airflow", "AirflowDown", MODES
    counters = re.compile(r"airflow_(dag_runs|task_tries|asset_events)_total|airflow_\w+_seconds_(count|sum|bucket)")

    def __init__(self, _folder, _dice, _clock):
        start = time.time()
        often = {"retries": 6, "fails": 0.04}
        dags = [Dag(f"load_{number}", 15, Task("extract", 2, **often), Task("load", 2, ("extract",), outlet=ORDERS)
                    if number == 0 else Task("load", 2, ("extract",), skips=0.2), offset=number) for number in range(8)]
        dags += [Dag("mapped", 15, Task("list", 1), Task("part", 2, ("list",), parts=(0, 5), **often), offset=9),
                 Dag("waits", 30, Task("wait", 4, defers=True), Task("poke", 4, ("wait",), pokes=2), offset=11),
                 Dag("marts", 0, Task("build", 2, **often), asset=ORDERS)]
        self.fake = airflow_fake.server.Fake(Deployment(start, past=60, dags=dags, incidents=Incidents(start)),
                                             fake_server.Clock(start))
        self.gate = Gate(self.fake.server_port)

    def configuration(self):
        each = {"interval": "3s", "timeout": "20s"}
        # The difference() of the exact test expects this name of the deployment.
        return {"deployments": [{"name": "fake", "url": self.gate.url, "username": "viewer", "password": "viewer",
                                 "budget": {"requests_per_second": 50, "burst": 100, "at_once": 4}}],
                "collector": {name: dict(each) for name in ("health", "pools", "assets", "import_errors", "jobs", "dags",
                                                            "dag_warnings")} | {"runs": each | {"by-task": True}}}

    def fail(self, mode):
        self.gate.fail(mode)

    def repair(self):
        self.gate.repair()

    def settle(self, exporter):
        self.fake.settle()

    def difference(self, exporter):
        with self.fake.lock:
            self.fake.world.advance(self.fake.clock.now())
            live = len(self.fake.world.live)
        if live:
            return {"runs that have not ended": (0, live)}
        return airflow_exact_test.Exact.difference(None, self.fake, exporter)

    def known(self):
        return f"{len(self.fake.world.runs)} runs of {len(self.fake.world.dags)} DAGs"

    def close(self):
        self.gate.close()
        self.fake.close()


class Files(http.server.ThreadingHTTPServer):
    """Serves a directory."""

    daemon_threads = True

    def __init__(self, folder):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *arguments):
                super().__init__(*arguments, directory=folder)

            def log_message(self, *_):
                pass

            def handle(self):
                with contextlib.suppress(OSError):  # the client has disconnected
                    super().handle()

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Dbt(World):
    """Two projects: in one, each job has a directory, the other is at a URL.

    Results in a directory are replaced only once they were counted, because an exporter that is stopped
    cannot know what was replaced meanwhile."""

    name, alert, brief_modes = "dbt", "DbtArtifactsMissing", ("gone", *MODES)
    # With garbage, every URL replies: artifacts that do not exist become unreadable, earlier than those that were readable.
    modes = tuple(mode for mode in brief_modes if mode != "garbage")
    counters = re.compile(r"dbt_(invocations|node_runs)_total")
    JOBS = 10

    def __init__(self, folder, dice, _clock):
        self.dice, self.lock, self.exporter, self.mode = dice, threading.Lock(), None, None
        self.place, self.hidden = folder / "jobs", folder / "hidden"
        self.web = folder / "web"
        dbt_example.write_to(folder / "example")
        self.written = {name: json.loads((folder / f"example/{name}.json").read_text())
                        for name in ("manifest", "run_results")}
        self.places = {"shop": [self.place / f"job_{number}/target" for number in range(self.JOBS)], "web": [self.web]}
        self.free = {project: list(places) for project, places in self.places.items()}
        self.expected = {project: {} for project in self.places}
        for places in self.places.values():
            for place in places:
                place.mkdir(parents=True)
        self.files = Files(str(self.web))
        self.gate = Gate(self.files.server_port)
        self.build("shop"), self.build("web")
        self.worker = None

    def configuration(self):
        return {"projects": [{"name": "shop", "target": f"{self.place}/*/target"},
                             {"name": "web", "url": self.gate.url, "collector": {"artifacts": {
                                 "interval": "1s", "timeout": "20s"}}}]}

    def begin(self, exporter):
        self.exporter = exporter
        self.worker = Worker(self.work, 3, self.dice)

    def work(self):
        """Runs another invocation of each project with a directory whose results were counted."""
        with self.lock:
            try:
                shown = samples(self.exporter.page())
            except (OSError, http.client.HTTPException):
                shown = {}
            for project, places in self.places.items():
                if not self.difference_of(project, shown):
                    self.free[project] = list(places)
                if self.free[project]:
                    self.build(project)

    def build(self, project):
        """Writes the artifacts in place, as dbt does."""
        place = self.free[project].pop(self.dice.randrange(len(self.free[project])))
        manifest, results = (self.written[name] for name in ("manifest", "run_results"))
        now = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime()) + "000000Z"
        command, invocation = self.dice.choice(("build", "run", "test")), str(uuid.uuid4())
        chosen = [result for result in results["results"]
                  if result["unique_id"].split(".")[0] in ("model", "test", "seed") and self.dice.random() < 0.6]
        chosen = [result | {"status": "pass" if result["unique_id"].startswith("test.") else "success", "message": None,
                            "failures": None, "timing": []} for result in chosen or results["results"][:1]]
        about = {"generated_at": now, "invocation_id": invocation, "invocation_started_at": now}
        self.put(place / "manifest.json", manifest | {"metadata": manifest["metadata"] | about})
        self.put(place / "run_results.json", results | {
            "metadata": results["metadata"] | about, "results": chosen, "elapsed_time": 1.0,
            "args": results["args"] | {"which": command, "invocation_command": f"dbt {command}"}})
        self.count(project, command, chosen)

    def put(self, path, body):
        text = json.dumps(body)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text[:len(text) // 2])
            file.flush()
            time.sleep(0.02)
            file.write(text[len(text) // 2:])

    def count(self, project, command, results):
        expected = self.expected[project]
        names = [f'dbt_invocations_total{{project="{project}",command="{command}",outcome="success"}}']
        names += [f'dbt_node_runs_total{{project="{project}",unique_id="{result["unique_id"]}",status="{result["status"]}"}}'
                  for result in results]
        for name in names:
            expected[name] = expected.get(name, 0) + 1

    def difference_of(self, project, shown):
        shown = {name: float(value) for name, value in shown.items()
                 if self.counters.match(name) and f'project="{project}"' in name}
        # A counter that is created before its first event is 0.
        return different(self.expected[project], shown)

    def fail(self, mode):
        """Removes the directories of one project, or lets the URL of the other fail."""
        self.mode = mode
        if mode == "gone":
            self.lock.acquire()
            self.place.rename(self.hidden)
        else:
            self.gate.fail(mode)

    def repair(self):
        if self.mode == "gone":
            self.hidden.rename(self.place)
            self.lock.release()
        else:
            self.gate.repair()

    def settle(self, exporter):
        self.worker.stop()

    def difference(self, exporter):
        shown = samples(exporter.page())
        return {**self.difference_of("shop", shown), **self.difference_of("web", shown)}

    def known(self):
        counts = {project: sum(value for name, value in expected.items() if name.startswith("dbt_invocations"))
                  for project, expected in self.expected.items()}
        return f"invocations of dbt: {counts}"

    def close(self):
        self.gate.close()
        self.files.shutdown()
        self.files.server_close()


class Host(World):
    """This machine, about which the test has no expectations."""

    name = "host"

    def __init__(self, _folder, _dice, _clock):
        pass


WORLDS = (Host, Dbt, Airflow)
