"""The fake of Airflow for demo, tests and benchmarks: it answers like recorded deployments."""

import base64
import contextlib
import http.client
import json
import re
import sys
import unittest

import support

sys.path.insert(0, str(support.SOURCE / "deploy"))
from airflow_fake import scenario, truth  # noqa: E402
from airflow_fake.faults import Faults  # noqa: E402
from airflow_fake.load import Load  # noqa: E402
from airflow_fake.login import Login  # noqa: E402
from airflow_fake.query import Wanted  # noqa: E402
from airflow_fake.server import Fake  # noqa: E402
from airflow_fake.world import World  # noqa: E402
from fake_server import Clock  # noqa: E402

VERSIONS = ("2.11", "3.3")
RECORDED = (support.SOURCE / "tests/fixtures/airflow", support.SOURCE / "tests/fixtures/airflow_fake")
START = 1_795_850_000.0  # for worlds that no exporter reads
MINUTE, HOUR = 60, 3600
LIVE_TASKS = "&".join(f"state={state}" for state in truth.LIVE_TASKS)

# By version: a list of the fake, the recorded lists of the same kind, and the key of the rows; without a
# key, the list is one row.
LISTS = {
    "2.11": [("/dags?only_active=false", ["dags"], "dags"),
             ("/dagWarnings", ["dag_warnings"], "dag_warnings"),
             ("/importErrors", ["import_errors"], "import_errors"), ("/pools?limit=1", ["pools"], "pools"),
             ("/dags/~/dagRuns?state=running&state=queued", ["live_runs"], "dag_runs"),
             ("/dags/~/dagRuns", ["changed_runs", "dagRuns-end_date_gte"], "dag_runs"),
             ("/dags/~/dagRuns/~/taskInstances?limit=2000", ["taskInstances", "live_tasks"],
              "task_instances"),
             ("/datasets", ["datasets"], "datasets"),
             ("/datasets/events", ["datasets-events"], "dataset_events"),
             ("/health", ["health"], None), ("/version", ["version"], None)],
    "3.3": [("/dags?exclude_stale=false", ["dags"], "dags"),
            ("/importErrors", ["import_errors"], "import_errors"),
            ("/pools", ["pools"], "pools"), ("/dags/~/dagRuns?limit=100", ["dagRuns"], "dag_runs"),
            ("/dags/~/dagRuns?cursor=", ["dagRuns-cursor1", "dagRuns"], "dag_runs"),
            ("/dags/~/dagRuns/~/taskInstances?limit=100", ["taskInstances", "live_tasks"],
             "task_instances"),
            ("/dags/~/dagRuns/~/taskInstances?" + LIVE_TASKS, ["taskInstances", "live_tasks"],
             "task_instances"),
            ("/dags/~/dagRuns/~/taskInstances?cursor=",
             ["taskInstances-cursor1", "taskInstances", "live_tasks"], "task_instances"),
            ("/assets", ["assets"], "assets"), ("/assets/events", ["assets-events"], "asset_events"),
            ("/jobs", ["jobs"], "jobs"), ("/monitor/health", ["health"], None),
            ("/version", ["version"], None)],
}
# Types that are allowed besides those of the recording.
ALSO = {"last_scheduling_decision": {"null"}, "start_date": {"null"},  # a run that is queued
        "state": {"null"}}  # a task whose turn has not come

# By version: the request, the user, and the recorded answer, which must be the same byte for byte.
REFUSALS = {
    "2.11": [("GET /api/v1/dags/~/dagRuns?bogus=1", True, "err400-unknown-param"),
             ("GET /api/v1/dags/~/dagRuns?updated_at_gte=2026-11-28T03:00:00", True, "err-naive-date"),
             ("GET /api/v1/dags/~/dagRuns?updated_at_gte=garbage", True, "err4xx-bad-date"),
             ("GET /api/v1/dags/~/dagRuns?limit=abc", True, "err4xx-bad-limit"),
             ("GET /api/v1/dags/~/dagRuns?limit=1&order_by=nonsense", True, "err4xx-bad-order"),
             ("GET /api/v1/dags/~/dagRuns/~/taskInstances?limit=3&order_by=updated_at", True,
              "taskInstances-order_by-updated_at"),
             ("GET /api/v1/dags/~/dagRuns?limit=100&state=nonsense", True, "dagRuns-state-nonsense"),
             ("GET /api/v1/dags/~/dagRuns/~/taskInstances?limit=100&state=nonsense", True,
              "taskInstances-state-nonsense"),
             ("GET /api/v1/dags", False, "err403-noauth"),
             ("GET /api/v1/dags/ok/dagRuns/nope", True, "err404-run"),
             ("GET /api/v1/nothing/here", True, "err404-path"),
             ("DELETE /api/v1/version", True, "err405")],
    "3.3": [("GET /api/v2/dags/~/dagRuns?updated_at_gte=garbage", True, "err4xx-bad-date"),
            ("GET /api/v2/dags/~/dagRuns?limit=abc", True, "err4xx-bad-limit"),
            ("GET /api/v2/dags/~/dagRuns?limit=1&order_by=nonsense", True, "err4xx-bad-order"),
            ("GET /api/v2/dags/~/dagRuns?limit=100&state=nonsense", True, "dagRuns-state-nonsense"),
            ("GET /api/v2/dags/~/dagRuns/~/taskInstances?limit=100&state=nonsense", True,
             "taskInstances-state-nonsense"),
            ("GET /api/v2/dags", False, "err401-noauth"),
            ("GET /api/v2/dags", "Bearer abc.def.ghi", "err403-bad-token"),
            ("GET /api/v2/dags/ok/dagRuns/nope", True, "err404-run"),
            ("GET /api/v2/nothing/here", True, "err404-path"),
            ("GET /api/v1/health", True, "err404-v1-health"), ("DELETE /api/v2/version", True, "err405"),
            ('POST /auth/token {"username":"viewer","password":"wrong"}', False, "auth-token-401")],
}


def recorded(version, name):
    """The status, the type and the body in a file."""
    path = next(path for path in (folder / version / f"{name}.http" for folder in RECORDED)
                if path.is_file())
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return status, re.search(rb"(?i)content-type: (\S+)", head)[1].decode().rstrip(";"), body


def types(rows, path=""):
    """The types at each place in the rows."""
    found = {}
    for row in rows:
        for key, value in row.items():
            place = f"{path}{key}"
            found.setdefault(place, set()).add(type_of(value))
            inner = [value] if isinstance(value, dict) else [
                each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
            for where, kinds in types(inner, place + ".").items():
                found.setdefault(where, set()).update(kinds)
    return found


def type_of(value):
    if isinstance(value, bool):
        return "flag"
    names = {type(None): "null", str: "text", int: "number", float: "number", list: "list", dict: "object"}
    return names[type(value)]


class Client:
    """Sends requests to a fake as one user."""

    def __init__(self, fake):
        self.fake = fake
        self.right = "Basic " + base64.b64encode(b"viewer:viewer").decode()
        if not fake.world.is_v1:
            body = b'{"username": "viewer", "password": "viewer"}'
            _, _, answer = self.ask("POST /auth/token", body, False)
            self.right = "Bearer " + json.loads(answer)["access_token"]

    def ask(self, request, body=b"", right=True):
        """The status, the type and the body."""
        method, target, *more = request.split(" ", 2)
        headers = {"Authorization": self.right if right is True else right} if right else {}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.fake.server_port,
                                                           timeout=support.START)) as connection:
            connection.request(method, target, body or "".join(more), headers)
            reply = connection.getresponse()
            return reply.status, reply.getheader("Content-Type").split(";")[0], reply.read()

    def get(self, path):
        """The answer to a path of the API."""
        status, _, body = self.ask(f"GET {self.fake.api.prefix}{path}")
        if status != 200:
            raise AssertionError(f"{path}: {status} {body[:300]}")
        return json.loads(body)

    def all(self, path, key):
        """The rows of all pages, of 100 rows each."""
        rows = []
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=100&offset={len(rows)}")
            rows += page[key]
            if not page[key] or len(rows) >= page["total_entries"]:
                return rows


class Answers(unittest.TestCase):
    maxDiff = None

    def serve(self, version, world=None, **options):
        world = world or World(START, version, past=5 * HOUR)
        fake = self.enterContext(Fake(world, Clock(world.now, speed=0), **options))
        return fake, Client(fake)

    def test_rows_have_the_keys_and_types_of_the_recorded(self):
        for version in VERSIONS:
            fake, client = self.serve(version)
            for path, names, key in LISTS[version]:
                with self.subTest(f"{version} {path}"):
                    pages = [json.loads(recorded(version, name)[2]) for name in names]
                    page = client.get(path)
                    self.compare(types([page]), types(pages)) if key is None else self.compare_lists(
                        key, page, pages)

    def compare_lists(self, key, page, pages):
        self.assertTrue(page[key])
        self.assertEqual(set(page), set(pages[0]))
        self.compare(types(page[key]), types(row for each in pages for row in each[key]))

    def compare(self, ours, theirs):
        """All keys of a row exist; nested keys are compared only if both sides have any."""
        self.assertEqual({place for place in ours if "." not in place},
                         {place for place in theirs if "." not in place})
        for place, kinds in ours.items():
            parent, _, key = place.rpartition(".")
            if place in theirs:
                self.assertLessEqual(kinds, theirs[place] | ALSO.get(key, set()), place)
            else:
                self.assertEqual(theirs[parent], {"list"}, f"{place} was not recorded")

    def test_refusals_are_the_recorded_ones(self):
        for version in VERSIONS:
            fake, client = self.serve(version)
            for request, right, name in REFUSALS[version]:
                with self.subTest(f"{version} {request}"):
                    status, kind, body = client.ask(request, right=right)
                    expected_status, expected_kind, expected = recorded(version, name)
                    self.assertEqual((status, kind), (expected_status, expected_kind.split(";")[0]))
                    if kind.endswith("json"):
                        body, expected = json.loads(body), json.loads(expected)
                    self.assertEqual(body, expected)

    def test_four_causes_have_the_same_bytes_on_2(self):
        fake, client = self.serve("2.11")
        fake.login.refused.add("/pools")
        wrong = "Basic " + base64.b64encode(b"viewer:wrong").decode()
        answers = {client.ask("GET /api/v1/pools", right=right)
                   for right in (True, False, wrong, "Bearer x")}
        self.assertEqual([status for status, _, _ in answers], [403])

    def test_a_token_expires_and_a_right_may_be_missing_on_3(self):
        time = [1000.0]
        fake, client = self.serve("3.3", login=Login(False, token_seconds=60, now=lambda: time[0]))
        self.assertEqual(client.ask("GET /api/v2/pools")[0], 200)
        time[0] += 65  # within the leeway
        self.assertEqual(client.ask("GET /api/v2/pools")[0], 200)
        fake.login.refused.add("/pools")
        self.assertEqual(json.loads(client.ask("GET /api/v2/pools")[2]), {"detail": "Forbidden"})
        time[0] += 10
        status, _, body = client.ask("GET /api/v2/dags")
        self.assertEqual((status, json.loads(body)), (401, {"detail": "Token Expired"}))

    def test_pools_of_2_cannot_be_read_where_one_has_no_limit(self):
        _, client = self.serve("2.11")
        self.assertEqual(client.ask("GET /api/v1/pools")[0], 500)
        self.assertEqual(client.ask("GET /api/v1/pools?limit=1&offset=1")[0], 500)
        self.assertEqual(client.get("/pools?limit=1&offset=2")["total_entries"], 4)

    def test_dags_that_are_stale_are_left_out_unless_asked_for(self):
        for version, ask in (("2.11", "only_active=false"), ("3.3", "exclude_stale=false")):
            with self.subTest(version):
                _, client = self.serve(version)
                shown = {row["dag_id"] for row in client.get("/dags")["dags"]}
                everything = {row["dag_id"] for row in client.get(f"/dags?limit=100&{ask}")["dags"]}
                broken = {"support_tickets"} if version == "3.3" else set()
                self.assertEqual(everything - shown, {"legacy_export"} | broken)

    def test_pages_are_clamped_but_for_tasks_of_2(self):
        _, client = self.serve("2.11")
        tasks = "/dags/~/dagRuns/~/taskInstances"
        self.assertEqual(len(client.get("/dags/~/dagRuns?limit=1000")["dag_runs"]), 100)
        self.assertEqual(len(client.get(tasks + "?limit=1000")["task_instances"]), 1000)
        self.assertEqual(client.get(tasks + "?limit=0")["task_instances"], [])
        self.assertEqual(len(client.get("/dags/~/dagRuns?limit=0")["dag_runs"]), 100)
        _, client = self.serve("3.3")
        self.assertEqual(len(client.get(tasks + "?limit=1000")["task_instances"]), 100)
        self.assertEqual(client.get(tasks + "?limit=0")["task_instances"], [])

    def test_pages_by_cursor_and_by_offset_are_the_same_list(self):
        _, client = self.serve("3.3")
        for path, key in (("/dags/~/dagRuns?state=failed", "dag_runs"),
                          ("/dags/~/dagRuns/~/taskInstances?state=failed&state=upstream_failed",
                           "task_instances")):
            with self.subTest(path):
                rows, cursor = [], ""
                while cursor is not None:
                    page = client.get(f"{path}&limit=3&cursor={cursor}")
                    rows += page[key]
                    cursor = page["next_cursor"]
                self.assertGreater(len(rows), 6)
                self.assertEqual(rows, client.all(path, key))

    def test_a_dead_component_is_seen_and_replaced(self):
        fake, client = self.serve("3.3")
        fake.clock.advance(10 * MINUTE + 29)
        self.assertEqual(client.get("/monitor/health")["triggerer"]["status"], "healthy")
        fake.clock.advance(2)
        health = client.get("/monitor/health")["triggerer"]
        self.assertEqual(health["status"], "unhealthy")
        jobs = client.get("/jobs?is_alive=true")  # dead jobs are omitted, but counted
        self.assertEqual((len(jobs["jobs"]), jobs["total_entries"]), (2, 3))
        fake.clock.advance(15 * MINUTE)
        self.assertEqual(client.get("/monitor/health")["triggerer"]["status"], "healthy")
        jobs = client.get("/jobs?is_alive=true&job_state=running&order_by=-latest_heartbeat")
        self.assertEqual((len(jobs["jobs"]), jobs["total_entries"]), (3, 4))

    def test_faults_are_what_they_are_called(self):
        fake, client = self.serve("3.3")
        for name, expected in (("429", 429), ("500", 500), ("slow", 200), ("chunked", 200)):
            fake.faults = Faults(**{name: 1})
            self.assertEqual(client.ask("GET /api/v2/pools")[0], expected, name)
        fake.faults = Faults(login=1)
        self.assertEqual(client.ask("GET /api/v2/pools")[1], "text/html")
        fake.faults = Faults(cut=1)
        with self.assertRaises(http.client.IncompleteRead):
            client.ask("GET /api/v2/pools")
        fake.faults, before = Faults(moving=2), fake.clock.now()
        client.get("/pools")
        self.assertEqual(fake.clock.now(), before + 2)
        with self.assertRaises(ValueError):
            Faults(nonsense=1)


class Worlds(unittest.TestCase):
    def test_the_same_seed_is_the_same_history(self):
        for version in VERSIONS:
            with self.subTest(version):
                at_once, in_steps = (World(START, version, past=6 * HOUR) for _ in range(2))
                at_once.advance(START + 6 * HOUR)
                for step in range(6 * HOUR // 7):
                    in_steps.advance(START + 7 * step)
                in_steps.advance(START + 6 * HOUR)
                self.assertEqual(truth.counters(at_once, START), truth.counters(in_steps, START))
                self.assertEqual(truth.gauges(at_once), truth.gauges(in_steps))
                other = World(START, version, seed=2, past=6 * HOUR)
                other.advance(START + 6 * HOUR)
                self.assertNotEqual(truth.counters(at_once, START), truth.counters(other, START))

    def test_what_a_platform_does_happens_in_a_day(self):
        world = World(START, "3.3", past=6 * HOUR)
        seen = set()
        for step in range(24 * HOUR // 30):
            world.advance(START + 30 * step)
            if step % 7 == 0:
                seen.update(name for name, value in truth.gauges(world).items() if value)
            seen.update(f"dead {name}" for name in ("scheduler", "triggerer", "dag_processor")
                        if world.now - world.heartbeat(name) > 30)
        counted = truth.counters(world, START)
        for text in ('state="up_for_retry"', 'state="deferred"', 'state="up_for_reschedule"',
                     'state="queued"',
                     "airflow_import_errors", "dead triggerer", "dead dag_processor",
                     'airflow_pool_used_slots{pool="erp",state="scheduled"}',
                     'airflow_task_instances{dag_id="experiment_sizing",pool="experiments"',
                     'airflow_dag_last_run_state{dag_id="ingest_payments",state="failed"}',
                     'airflow_dag_last_run_state{dag_id="ingest_payments",state="success"}'):
            self.assertTrue(any(text in each for each in seen), text)
        for text in ('state="skipped"', 'state="upstream_failed"', 'state="up_for_retry"',
                     'run_type="asset"',
                     'run_type="manual"', 'run_type="backfill"'):
            self.assertTrue(any(text in each for each in counted), text)
        self.assertNotIn("dead scheduler", seen)
        self.assertTrue(any(run.clears for run in world.runs.values()))
        is_marked = [run.looks.looks[-1].state != run.ends[-1].state for run in world.runs.values() if run.ends]
        self.assertTrue(any(is_marked))

    def test_a_task_that_is_not_run_again_writes_nothing_again(self):
        for version in VERSIONS:
            with self.subTest(version):
                world = World(START, version)
                world.advance(START + 24 * HOUR)
                written = [(event[0], event[2]) for event in world.events]
                self.assertEqual(written, sorted(set(written)))

    def test_no_two_runs_of_a_dag_have_the_same_id(self):
        for version in VERSIONS:
            with self.subTest(version):
                world = World(START - 2 * HOUR, version)  # a daily DAG is due within the next hour
                world.advance(START + HOUR)
                self.assertEqual(len(world.runs), len(world.by_number))

    def test_a_limit_of_a_pool_holds(self):
        world = World(START, "3.3", past=6 * HOUR)
        for step in range(6 * 60):
            world.advance(START + step * MINUTE)
            used = world.slots()["erp"]
            self.assertLessEqual(used["running"] + used["queued"], 2)

    def test_runs_that_ended_two_days_ago_are_gone(self):
        world = World(START, "3.3", dags=[scenario.ingest("orders", 5 * MINUTE, scenario.ORDERS)])
        world.advance(START + 30 * HOUR)
        count = len(world.runs)
        world.advance(START + 60 * HOUR)
        self.assertLess(len(world.runs), count * 1.3)


class Loads(unittest.TestCase):
    """A small load: each list equals the one made by checking every run."""

    def setUp(self):
        self.load = Load(START, "3.3", dags=7, live_runs=30, tries_per_second=20, tasks=2000)
        self.load.advance(START + 100)
        self.runs = [self.load.plan(number) for number in range(self.load.next_number())]

    def test_lists_are_intervals(self):
        now = self.load.now
        for states in ({"running", "queued"}, {"success", "failed"}, {"failed"}, set()):
            for ranges in ({}, {"updated_at": (now - 50, now - 20)}, {"run_after": (now - 60, now)},
                           {"updated_at": (now - 50, now - 20), "run_after": (now - 40, now)}):
                with self.subTest(states=states, ranges=ranges):
                    wanted = Wanted(False, states, ranges)
                    expected = [run.id for run in self.runs if wanted.accepts_run(run, now)]
                    self.assertEqual([run.id for run in self.load.select_runs(wanted)], expected)

    def test_it_is_as_large_as_was_asked_for(self):
        self.assertEqual(len(self.load.live), 30)
        ended = self.load.select_runs(Wanted(False, {"success", "failed"}))
        self.assertAlmostEqual(len(ended) * 4, 2000 + 100 * 20, delta=100)
        before = truth.counters(self.load, START)
        self.load.advance(START + 200)
        ended = sum(count - before.get(name, 0) for name, count in truth.counters(self.load, START).items()
                    if name.startswith("airflow_task_tries_total"))
        self.assertAlmostEqual(ended, 2000, delta=30)

    def test_a_run_is_found_by_its_id(self):
        for run in self.runs[::50]:
            self.assertEqual(self.load.find_run(run.dag.id, run.id).number, run.number)
        self.assertIsNone(self.load.find_run("load_00001", "manual__2026-01-01T00:00:00+00:00"))
        self.assertIsNone(self.load.find_run("load_00001", "nonsense"))


if __name__ == "__main__":
    unittest.main()
