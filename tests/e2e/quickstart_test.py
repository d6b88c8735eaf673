"""deploy/quickstart: what it starts, and its error for an Airflow that it cannot read."""

import contextlib
import io
import shutil
import subprocess
import sys
import unittest
from unittest import mock

import support
import yaml

sys.path.insert(0, str(support.SOURCE / "deploy"))
import quickstart  # noqa: E402
from airflow_fake.faults import Faults  # noqa: E402
from airflow_fake.server import Fake  # noqa: E402
from airflow_fake.world import World  # noqa: E402
from fake_server import Clock  # noqa: E402

VERSIONS = ("2.11", "3.3")


def parsed(*flags):
    with mock.patch.object(sys, "argv", ["quickstart", *flags]):
        arguments = quickstart.parse_arguments()
    for name in quickstart.DEFAULT_PORTS:
        setattr(arguments, f"{name}_port".replace("-", "_"), support.free_port())
    return arguments


class Shown(unittest.TestCase):
    def check(self, *flags, shown):
        self.assertEqual(set(quickstart.free_ports(parsed(*flags))), {"host", "prometheus", "alertmanager", *shown})

    def test_the_example_of_dbt_where_no_airflow_is_given(self):
        self.check(shown=["dbt"])
        self.check("--demo", shown=["airflow", "dbt", "fake-airflow", "fake-snowflake", "snowflake", "sql"])

    def test_an_airflow_alone_unless_dbt_is_asked_for(self):
        airflow = ("--airflow", "http://127.0.0.1:1")
        self.check(*airflow, shown=["airflow"])
        target = str(support.SOURCE / "examples/dbt/target")
        self.check(*airflow, "--dbt-target", target, shown=["airflow", "dbt"])


class Help(unittest.TestCase):
    def test_it_describes_each_option(self):
        result = subprocess.run([support.SOURCE / "deploy/quickstart", "--help"], capture_output=True, text=True, check=True)
        text = " ".join(result.stdout.split())
        for option in ("--check wait until", "--demo start a fake Airflow", "--dbt-target PATH the target directory",
                       "--airflow URL the web server", "--airflow-username USER with --airflow: a user",
                       "--airflow-password-file FILE with --airflow: the file",
                       *(f"--{name}-port PORT the port of " for name in quickstart.DEFAULT_PORTS)):
            self.assertIn(option, text)


class Alertmanager(unittest.TestCase):
    def test_it_is_the_shipped_one_but_tells_nobody(self):
        shipped = support.SOURCE / "alertmanager"
        with support.folder() as folder:
            path = quickstart.demo_alertmanager.write_to(folder, shipped)
            result = subprocess.run(["amtool", "check-config", path], capture_output=True, text=True, check=False)
            self.assertEqual(result.returncode, 0, result.stderr)
            shown = yaml.safe_load(path.read_text())
        expected = yaml.safe_load((shipped / "alertmanager.yml").read_text())
        expected["receivers"] = [{"name": receiver["name"]} for receiver in expected["receivers"]]
        self.assertEqual(shown, expected)

    def test_what_is_said_of_its_alerts(self):
        alerts = [{"status": {"inhibitedBy": by}} for by in ([], ["a"], [])]
        self.assertEqual(quickstart.demo_alertmanager.summary(alerts), "alerts: 3, inhibited: 1")


class Airflow(unittest.TestCase):
    def setUp(self):
        self.enterContext(mock.patch.object(quickstart, "BIN", support.EXPORTER.parent))
        self.folder = self.enterContext(support.folder())
        self.said = self.enterContext(contextlib.redirect_stdout(io.StringIO()))
        self.processes = []
        self.addCleanup(lambda: [process.stop() for process in reversed(self.processes)])

    def serve(self, version):
        clock = Clock()
        return self.enterContext(Fake(World(clock.now(), version), clock))

    def arguments(self, url, password):
        file = self.folder / "password"
        file.write_text(password)
        arguments = parsed("--check", "--airflow", url, "--airflow-username", "viewer",
                           "--airflow-password-file", str(file))
        written = quickstart.ROOT / "build/quickstart" / str(arguments.prometheus_port)
        self.addCleanup(shutil.rmtree, written, ignore_errors=True)
        return arguments

    def why_not(self, url, password):
        with self.assertRaises(quickstart.Failed) as caught:
            quickstart.run(self.arguments(url, password), self.processes)
        return str(caught.exception)

    def test_a_wrong_password_ends_it_with_what_airflow_said(self):
        for version in VERSIONS:
            with self.subTest(version):
                fake = self.serve(version)
                why = self.why_not(fake.url, "hush-hush")
                self.assertRegex(why, rf"^airflow_exporter cannot read {fake.url}:\n"
                                      r"  login .*(credentials are wrong|Invalid credentials)")
                self.assertNotIn("hush-hush", why)

    def test_what_does_not_answer_ends_it(self):
        url = f"http://127.0.0.1:{support.free_port()}"
        self.assertRegex(self.why_not(url, "viewer"), rf"^airflow_exporter cannot read {url}:\n  version .*")

    def test_a_missing_right_is_said_and_ends_nothing(self):
        for version in VERSIONS:
            with self.subTest(version):
                fake = self.serve(version)
                fake.login.refused.add("/pools")
                quickstart.require_readable_airflow(self.arguments(fake.url, "viewer"))
                self.assertRegex(self.said.getvalue(), r"\n! pools +refused: .*\n")

    def test_one_that_answers_no_more_is_no_success(self):
        fake = self.serve("3.3")
        arguments = self.arguments(fake.url, "viewer")
        ports = quickstart.free_ports(arguments)
        quickstart.start(ports, quickstart.make_run_folder(ports), self.processes, arguments)
        prometheus = quickstart.Prometheus(ports["prometheus"])

        def is_read():
            return not any(fake.url in problem for problem in quickstart.problems_of_targets(prometheus, arguments))

        support.poll(is_read, "airflow_up is 1")
        fake.faults = Faults(**{"500": 1})
        support.poll(lambda: not is_read(), "airflow_up is 0")


if __name__ == "__main__":
    unittest.main()
