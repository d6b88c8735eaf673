"""airflow_exporter with the recorded answers of Airflow 2 and 3."""

import base64
import json
import re
import socket
import unittest

import support
from airflow_replay import FIXTURES, Replay, recorded
from support import Exporter, run

NAME = "airflow_exporter"
# Health runs most often, as it does by default: it decides whether a deployment is up.
FAST = ("--collector.health.interval=1s", *(
    f"--collector.{name}.interval=2s" for name in ("assets", "dags", "dag_warnings", "import_errors", "jobs", "pools", "runs")))
FIRST_SEEN = re.compile(r"(?m)(_first_seen_timestamp_seconds\{.*\}) .*")


def families(page):
    """The lines of the exporter's own families, sorted, without those that are not recorded."""
    page = FIRST_SEEN.sub(r"\1 NOW", page)
    return sorted(line for line in page.splitlines()
                  if line.startswith("airflow_") and not line.startswith("airflow_up{"))


class Airflow(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = self.enterContext(support.folder())
        (self.folder / "password").write_text("hush-hush\n")

    def flags(self, airflow):
        return (f"--deployment.url={airflow.url}", "--deployment.name=prod", "--deployment.username=viewer",
                f"--deployment.password-file={self.folder / 'password'}")

    def test_once_shows_what_was_recorded(self):
        for version in ("2.11", "3.3"):
            with self.subTest(version), Replay(version) as airflow:
                result = run(*self.flags(airflow), "--once", name=NAME)
                self.assertEqual(result.returncode, 0, result.stderr)
                expected = (FIXTURES / version / "page.prom").read_text()
                self.assertEqual(families(result.stdout.replace(airflow.url, "http://airflow")),
                                 families(expected))
                self.assertIn('airflow_up{deployment="prod"} 1\n', result.stdout)
                self.assertNotIn("hush-hush", result.stdout + result.stderr)

    def test_where_it_cannot_listen_it_asks_nothing(self):
        with Replay("3.3") as airflow, socket.create_server(("127.0.0.1", 0)) as other:
            taken, twice = other.getsockname()[1], support.free_port()
            for ports in ((taken,), (twice, twice)):
                with self.subTest(ports):
                    result = run(*self.flags(airflow), f"--state.dir={self.folder}",
                                 *(f"--web.listen-address=127.0.0.1:{port}" for port in ports), name=NAME)
                    self.assertEqual(result.returncode, 1)
                    self.assertIn("Address already in use", result.stderr)
                    self.assertNotIn("ledger created", result.stderr)  # which happens before the first request
                    self.assertEqual(airflow.requests, [])

    def test_each_version_is_logged_into_in_its_own_way(self):
        basic = "Basic " + base64.b64encode(b"viewer:hush-hush").decode()
        for version, scheme in (("2.11", basic), ("3.3", "Bearer ey")):
            with self.subTest(version), Replay(version) as airflow:
                run(*self.flags(airflow), "--once", name=NAME)
                for request, authorization in airflow.requests:
                    if re.search(r"/(version|health|token)$", request):
                        self.assertEqual(authorization, "", request)
                    else:
                        self.assertTrue(authorization.startswith(scheme), request)

    def test_an_upgrade_is_followed(self):
        with Replay("2.11") as airflow:
            exporter = self.enterContext(Exporter(*self.flags(airflow), *FAST, name=NAME))
            support.poll(lambda: 'version="2.11.2"' in exporter.page(), "the old version")
            airflow.become("3.3")
            support.poll(lambda: 'version="3.3.2"' in exporter.page()
                         and 'pool="unlimited"' in exporter.page(), "the new version")

    def test_several_deployments_of_a_file(self):
        with Replay("2.11") as old, Replay("3.3") as new:
            config = self.folder / "airflow.yml"
            config.write_text(f"deployments:\n"
                              f"  - {{name: old, url: '{old.url}', username: a, password: b}}\n"
                              f"  - {{name: new, url: '{new.url}', bearer_token: c}}\n")
            result = run(f"--config.file={config}", "--once", name=NAME)
            self.assertIn('airflow_info{deployment="old",version="2.11.2"} 1\n', result.stdout)
            self.assertIn('airflow_info{deployment="new",version="3.3.2"} 1\n', result.stdout)

    def test_dags_are_selected_by_flags_and_by_keys(self):
        with Replay("3.3") as airflow:
            config = self.folder / "airflow.yml"
            config.write_text(f"deployments:\n"
                              f"  - name: prod\n    url: '{airflow.url}'\n    dag_include: ok|slow\n"
                              f"    dag_limit: 1\n    deadlines: [{{dag_id: .*, max_age: 1h}}]\n")
            for flags in ((f"--config.file={config}",),
                          (*self.flags(airflow), "--deployment.dag-include=ok|slow", "--deployment.dag-limit=1")):
                with self.subTest(flags):
                    page = run(*flags, "--once", name=NAME).stdout
                    shown = set(re.findall(r'airflow_dag_paused\{.*dag_id="(.*?)"', page))
                    self.assertEqual(len(shown), 1)
                    self.assertIn('airflow_dags_hidden{deployment="prod"} 1\n', page)
                    self.assertLessEqual(set(re.findall(r'dag_id="(.*?)"', page)), {"ok", "slow"})

    def test_the_past_of_dags_is_asked_for_once_and_a_deleted_dag_goes(self):
        line = 'airflow_dag_last_success_timestamp_seconds{deployment="prod",dag_id="daily"} '
        with Replay("3.3") as airflow:
            flags = (*self.flags(airflow), *FAST, f"--state.dir={self.folder / 'state'}",
                     "--deployment.dag-include=daily")
            asked = "GET /api/v2/dags/daily/dagRuns?state=success&state=failed&order_by=-end_date&limit=10"
            status, headers, _ = recorded("3.3", "pools")
            run_of = {"dag_id": "daily", "dag_run_id": "r", "run_type": "scheduled", "state": "success",
                      "start_date": "2026-11-01T02:00:00Z", "end_date": "2026-11-01T03:00:00Z"}
            headers = [(name, value) for name, value in headers if name.lower() != "content-length"]

            def reply(value):
                body = json.dumps(value).encode()
                return status, [*headers, ("Content-Length", str(len(body)))], body

            airflow.replies[asked] = reply({"dag_runs": [run_of], "total_entries": 1})
            exporter = Exporter(*flags, name=NAME)
            with exporter:
                support.poll(lambda: line in exporter.page(), "the last success")
            with Exporter(*flags, name=NAME) as exporter:
                support.poll(lambda: line in exporter.page(), "the last success after a restart")
                dags = next(request for request in airflow.replies if request.startswith("GET /api/v2/dags?"))
                airflow.replies[dags] = reply({"dags": [], "total_entries": 0})
                support.poll(lambda: line not in exporter.page(), "no last success of a deleted DAG")
            self.assertEqual([request for request, _ in airflow.requests].count(asked), 1)

    def test_a_deadline_that_matches_no_dag_is_counted_and_logged_when_it_changes(self):
        with Replay("3.3") as airflow:
            config = self.folder / "airflow.yml"
            config.write_text(f"deployments:\n  - name: prod\n    url: '{airflow.url}'\n"
                              "    budget: {requests_per_second: 100, burst: 100}\n    deadlines:\n"
                              "      - {dag_id: ok, max_age: 1h}\n      - {dag_id: orders, max_age: 1h}\n"
                              "      - {dag_id: k, max_age: 1h}\n")
            asked = next(request for request in airflow.replies if request.startswith("GET /api/v2/dags?"))
            exporter = self.enterContext(Exporter(f"--config.file={config}", *FAST, name=NAME))

            def wait_until(unmatched):
                support.poll(lambda: f'airflow_deadlines_unmatched{{deployment="prod"}} {unmatched}\n' in exporter.page(),
                             "the number of deadlines")
                lists = [request for request, _ in airflow.requests].count(asked)
                support.poll(lambda: [request for request, _ in airflow.requests].count(asked) > lists + 1,
                             "the list once more")

            wait_until(2)
            status, headers, body = airflow.replies[asked]
            body = body.replace(b'"dag_id":"slow"', b'"dag_id":"orders"')
            airflow.replies[asked] = (status, [*((name, value) for name, value in headers if name.lower() != "content-length"),
                                               ("Content-Length", str(len(body)))], body)
            wait_until(1)
            lines = exporter.wait_for_lines("deadlines match no DAG")
            self.assertEqual([re.search(r" dag_id=(\S+)", line)[1] for line in lines], ["orders,k", "k"])

    def test_a_mistake_in_a_deadline_has_its_place(self):
        config = self.folder / "airflow.yml"
        config.write_text("deployments:\n  - name: prod\n    url: http://127.0.0.1:1\n    deadlines:\n"
                          "      - {dag_id: orders, done_by: '06:00', timezone: Europe/Berlim}\n")
        result = run(f"--config.file={config}", "--config.check", name=NAME)
        self.assertEqual(result.returncode, 1)
        self.assertIn("airflow.yml:5:54: deployments[0].deadlines[0].timezone: no time zone of this name", result.stderr)

    def test_a_check_says_what_is_reached_and_which_rights_are_missing(self):
        with Replay("3.3") as airflow:
            for path in ("dags", "dags/~/dagRuns", "dags/~/dagRuns/~/taskInstances", "pools", "importErrors",
                         "dagWarnings", "assets", "jobs"):
                airflow.replies[f"GET /api/v2/{path}?*"] = recorded("3.3", "pools")
            result = run(*self.flags(airflow), "--config.check-sources", f"--state.dir={self.folder / 'state'}", name=NAME)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
            self.assertRegex(result.stdout, r"(?s)^command line: valid\nprod\n.*\n  version +3\.3\.2\n.*\n  pools +allowed\n")
            self.assertFalse((self.folder / "state").exists())
            airflow.replies["GET /api/v2/pools?*"] = recorded("3.3", "forbidden")
            airflow.replies["GET /api/v2/pools?limit=1"] = recorded("3.3", "forbidden")
            result = run(*self.flags(airflow), "--config.check-sources", name=NAME)
            self.assertEqual(result.returncode, 1, result.stdout + result.stderr)
            self.assertRegex(result.stdout, r"\n! pools +refused: .*\n")
            self.assertNotIn("hush-hush", result.stdout + result.stderr)

    def test_a_warning_of_a_check_does_not_fail_it(self):
        with Replay("3.3") as airflow:
            for path in ("dags", "dags/~/dagRuns", "dags/~/dagRuns/~/taskInstances", "pools", "importErrors",
                         "dagWarnings", "assets", "jobs"):
                airflow.replies[f"GET /api/v2/{path}?limit=1"] = recorded("3.3", "pools")
                airflow.replies[f"GET /api/v2/{path}?state=running&limit=1"] = recorded("3.3", "pools")
            config = self.folder / "airflow.yml"
            config.write_text(f"deployments:\n  - {{name: prod, url: '{airflow.url}', username: viewer, password: viewer,\n"
                              "     deadlines: [{dag_id: daily, max_age: 2h}, {dag_id: dayly, max_age: 2h}]}\n")
            result = run(f"--config.file={config}", "--config.check-sources", name=NAME)
            self.assertRegex(result.stdout, r"\n! deadlines +warning: no DAG, or only an excluded one, matches dayly\n$")
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_who_may_read_nothing_is_down_and_sees_health(self):
        with Replay("2.11") as airflow:
            for request in airflow.replies:
                if not re.search(r"/(version|health)$", request):
                    airflow.replies[request] = recorded("2.11", "refused")
            exporter = self.enterContext(Exporter(*self.flags(airflow), *FAST, name=NAME))

            def is_down_and_shows_health():
                page = exporter.page()
                return all(line in page for line in (
                    'airflow_up{deployment="prod"} 0\n', 'component="scheduler"} 1\n',
                    'exporter_collector_success{collector="health",source="prod"} 0\n'))

            support.poll(is_down_and_shows_health, "down, with health")
            self.assertTrue(exporter.wait_for_lines("auth_backends"))


if __name__ == "__main__":
    unittest.main()
