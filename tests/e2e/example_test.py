"""The exporter of examples/exporter with two job servers: what CONTRIBUTING.md promises about a copy of it."""

import os
import re
import signal
import unittest

import support
from jobs_server import JobsServer, job
from support import SOURCE, Exporter

NAME = "examples/jobs_exporter"
LABEL, UP, COUNTER = "server", "jobs_up", "jobs_finished_total"
GOLDEN = SOURCE / "tests/fixtures/examples/jobs_exporter.prom"
# Families that differ between runs or machines.
VOLATILE = re.compile(r"process_\w+|exporter_build_info|exporter_upstream_\w+|exporter_ledger_size_bytes|"
                      r"exporter_collector_duration_seconds|\w+_timestamp_seconds")
FAST = ("--collector.queues.interval=1s", "--collector.finished.interval=1s", "--log.level=debug")
BERLIN, OSLO = "berlin-secret-token", "oslo-secret-token"


def lasting(page):
    """The page without the volatile families."""
    families = re.split(r"(?m)^(?=# HELP )", page)
    return "".join(each for each in families if not VOLATILE.fullmatch((each.split() + [""] * 3)[2]))


class Example(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.folder())
        self.berlin = self.enterContext(JobsServer(
            BERLIN, [{"name": "mail", "waiting": 3, "running": 1}, {"name": "video", "waiting": 0, "running": 2}],
            [job(f"mail-{i}", "mail", "success", 0.5, 50 - i / 10) for i in range(120)]))
        self.oslo = self.enterContext(JobsServer(
            OSLO, [{"name": "mail", "waiting": 7, "running": 0}],
            [job("a", "mail", "error", 30, 20), job("b", "mail", "success", 700, 10),
             job("before the first start", "mail", "success", 1, 90)]))
        (self.folder / "oslo.token").write_text(OSLO + "\n")
        self.config = self.folder / "jobs_exporter.yml"
        self.config.write_text(
            f"servers:\n"
            f"  - {{name: berlin, url: '{self.berlin.url}', bearer_token: {BERLIN}}}\n"
            f"  - {{name: oslo, url: '{self.oslo.url}', bearer_token_file: oslo.token}}\n")

    def start(self):
        return Exporter(f"--config.file={self.config}", f"--state.dir={self.folder}/state", *FAST, name=NAME)

    def wait_for(self, exporter, **wanted):
        """The samples of the page, once it has these values: up_berlin=0, finished_oslo=3 (all outcomes)."""
        figures = {}

        def found():
            samples = support.samples(exporter.page())
            figures.clear()
            for series, value in samples.items():
                name, server = re.match(rf'(\w+)(?:.*{LABEL}="(\w+)")?', series).groups()
                if name in (UP, COUNTER):
                    key = f"{name.split('_')[1]}_{server}"
                    figures[key] = figures.get(key, 0) + int(value)
            return samples if wanted.items() <= figures.items() else None

        try:
            return support.poll(found, f"a page with {wanted}")
        except AssertionError as error:
            raise AssertionError(f"{error}, it had {figures}") from None

    def wait_for_runs(self, server, count=3):
        """Waits until that many more runs of both collectors have finished."""
        before = dict(server.answered)
        support.poll(lambda: all(server.answered[path] > before[path] + count for path in before), "more runs")

    @staticmethod
    def failed_for(exporter, server):
        """The reasons of failed runs."""
        return set(re.findall(rf'exporter_collector_failures_total{{(?=.*source="{server}").*reason="(\w+)"',
                              exporter.page()))


class Pages(Example):
    def test_a_page_of_two_servers(self):
        with self.start() as exporter:
            support.poll(lambda: exporter.get("/-/ready").status == 200, "the first runs")
            page = lasting(exporter.page())
        if os.environ.get("UPDATE_GOLDEN"):
            GOLDEN.write_text(page)
        self.assertEqual(page.splitlines(), GOLDEN.read_text().splitlines())

    def test_counters_go_on_after_a_kill(self):
        with self.start() as exporter:
            before = self.wait_for(exporter, finished_berlin=120, finished_oslo=2)
            exporter.send(signal.SIGKILL)
        self.oslo.jobs.append(job("while it was down", "mail", "success", 5, 1))
        with self.start() as exporter:
            after = self.wait_for(exporter, finished_berlin=120, finished_oslo=3)
        changed = {series for series in before if series.startswith(("jobs_finished", "jobs_duration"))
                   and before[series] != after[series]}
        labels = 'server="oslo",queue="mail"'
        self.assertEqual(changed, {f'jobs_finished_total{{{labels},outcome="success"}}',
                                   f"jobs_duration_seconds_sum{{{labels}}}",
                                   f"jobs_duration_seconds_count{{{labels}}}",
                                   *(f'jobs_duration_seconds_bucket{{{labels},le="{bound}"}}'
                                     for bound in ("10.0", "60.0", "600.0", "+Inf"))})

    def test_counters_are_there_after_a_restart_beside_a_server_that_is_down(self):
        with self.start() as exporter:
            self.wait_for(exporter, finished_oslo=2)
            exporter.send(signal.SIGKILL)
        self.oslo.go_down()
        with self.start() as exporter:
            self.wait_for(exporter, up_berlin=1, up_oslo=0, finished_oslo=2)

    def test_a_page_that_is_read_again_counts_once(self):
        with self.start() as exporter:
            self.wait_for(exporter, finished_oslo=2)
            self.oslo.jobs = self.oslo.jobs[:2] * 2 + [job("new", "mail", "error", 1, 1)]
            self.wait_for(exporter, finished_oslo=3)


class Failures(Example):
    def test_a_token_that_is_refused(self):
        (self.folder / "oslo.token").write_text(BERLIN)
        with self.start() as exporter:
            self.wait_for(exporter, up_berlin=1, up_oslo=0, finished_berlin=120)
            self.assertEqual(self.failed_for(exporter, "oslo"), {"auth"})
            self.assertEqual(self.failed_for(exporter, "berlin"), set())
            (self.folder / "oslo.token").write_text(OSLO)  # read again without a reload
            self.wait_for(exporter, up_oslo=1, finished_oslo=2)
            shown = exporter.page() + exporter.get("/").body.decode()
            self.assertEqual(exporter.stop(), 0)
            for secret in (BERLIN, OSLO):
                self.assertNotIn(secret, shown + "\n".join(exporter.log()))

    def test_a_server_that_is_down_does_not_touch_the_other(self):
        with self.start() as exporter:
            self.wait_for(exporter, up_berlin=1, up_oslo=1, finished_berlin=120, finished_oslo=2)
            self.oslo.go_down()
            self.wait_for(exporter, up_berlin=1, up_oslo=0, finished_berlin=120, finished_oslo=2)
            self.wait_for_runs(self.berlin)
            self.assertEqual(self.failed_for(exporter, "oslo"), {"connect"})
            self.assertEqual(self.failed_for(exporter, "berlin"), set())
            self.oslo.jobs.append(job("meanwhile", "mail", "error", 2, 1))
            self.oslo.come_up()
            self.wait_for(exporter, up_oslo=1, finished_oslo=3)

    def test_a_malformed_row_costs_itself_and_is_logged_once(self):
        self.oslo.queues.append({"name": "video", "waiting": "MARKER", "running": 0})
        self.oslo.jobs.append(job("c", "mail", "success", "MARKER", 1))
        with self.start() as exporter:
            self.wait_for_runs(self.oslo)
            samples = self.wait_for(exporter, up_oslo=1, finished_oslo=2)
            self.assertEqual(samples['jobs_waiting{server="oslo",queue="mail"}'], "7")
            self.assertNotIn('jobs_running{server="oslo",queue="video"}', samples)
            lines = [line for line in exporter.log() if "malformed rows" in line]
            self.assertEqual(len(lines), 2, lines)
            self.assertRegex("".join(lines), r"queues\[1\]\.waiting: expected number, got string")
            self.assertRegex("".join(lines), r"jobs\[3\]\.seconds: expected number, got string")
            landing = exporter.get("/").body.decode()
            self.assertRegex(landing, r"<td class=ok>ok</td>.*malformed rows left out, the first: GET \S+: queues\[1\]\.waiting")
            self.assertNotIn("MARKER", "".join(exporter.log()) + landing)

    def test_a_page_without_a_row_that_can_be_read_is_read_again(self):
        with self.start() as exporter:
            self.wait_for(exporter, finished_oslo=2)
            self.oslo.jobs.append({"uuid": "c"})
            exporter.wait_for_lines("jobs[0].id: missing")
            self.wait_for(exporter, finished_oslo=2, up_oslo=1)
            self.assertEqual(self.failed_for(exporter, "oslo"), {"decode"})
            self.oslo.jobs[-1] = job("c", "mail", "success", 1, 1)
            self.wait_for(exporter, finished_oslo=3)


class Configuration(Example):
    def check(self):
        result = support.run("--config.check", f"--config.file={self.config}", name=NAME)
        return result.returncode, result.stdout + result.stderr

    def test_a_good_one(self):
        self.assertEqual(self.check(), (0, f"{self.config}: valid\n"))

    def test_a_wrong_key_is_reported_with_its_place(self):
        self.config.write_text(self.config.read_text().replace("bearer_token_file", "bearer_tokn_file"))
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertRegex(said, rf"\Ajobs_exporter: {self.config}:3:\d+: servers\[1\]\.bearer_tokn_file: .*"
                               r"bearer_token_file")

    def test_a_server_without_an_address_is_refused(self):
        self.config.write_text("servers:\n  - name: berlin\n")
        code, said = self.check()
        self.assertEqual(code, 1)
        self.assertRegex(said, rf"\Ajobs_exporter: {self.config}:2:\d+: servers\[0\]\.url: ")


if __name__ == "__main__":
    unittest.main()
