"""airflow_exporter beside a fake Airflow whose time runs fast: each series is what happened there."""

import re
import sys
import unittest

import support
from prometheus_test import Prometheus, job

sys.path.insert(0, str(support.SOURCE / "deploy"))
from airflow_fake import truth  # noqa: E402
from airflow_fake.faults import Faults  # noqa: E402
from airflow_fake.login import Login  # noqa: E402
from airflow_fake.server import Fake  # noqa: E402
from airflow_fake.world import World  # noqa: E402
from fake_server import Clock  # noqa: E402

MINUTE = 60
METRICS = (support.SOURCE / "docs/metrics/airflow.md").read_text()
FAMILIES = set(re.findall(r"^\| `(\w+)` \|", METRICS, re.M))
FAULTS = {"429": 0.03, "500": 0.03, "cut": 0.03, "slow": 0.03, "login": 0.02}


def known(samples):
    """The samples of families that the exporter has and whose expected values are known."""
    return {name: value for name, value in samples.items()
            if (family := name.partition("{")[0]) in truth.LABELS
            and family.removesuffix("_count") in FAMILIES}


class Exact(unittest.TestCase):
    maxDiff = None
    STEP, STEPS, OUTAGE = 240, 18, 420  # seconds; runs are cleared 25 minutes after their end

    def setUp(self):
        self.folder = self.enterContext(support.folder())

    def start(self, fake):
        config = self.folder / "airflow.yml"
        config.write_text(f"deployments:\n  - name: fake\n    url: '{fake.url}'\n"
                          "    username: viewer\n    password: viewer\n"
                          "    budget: {requests_per_second: 1000, burst: 1000, at_once: 8}\n")
        every_second = (f"--collector.{name}.interval=1s" for name in
                        re.findall(r"^## (\w+)$", METRICS, re.M) if name != "ledger")
        return self.enterContext(support.Exporter(f"--config.file={config}", f"--state.dir={self.folder}",
                                                  "--collector.runs.by-task", *every_second,
                                                  name="airflow_exporter"))

    @staticmethod
    def advance(fake, exporter, seconds):
        """Lets time pass in the fake, and waits until all that ended by then is read. Some runs of collectors fail."""
        fake.clock.advance(seconds)
        until = fake.clock.now() - 6  # changes of the last five seconds are left for the next run

        def has_read():
            shown = support.samples(exporter.page())
            return (float(shown.get('airflow_runs_read_timestamp_seconds{deployment="fake"}', 0)) >= until
                    and shown.get('airflow_unread_runs{deployment="fake"}') == "0")

        support.poll(has_read, "a look that did not fail")

    def difference(self, fake, exporter):
        """The series with wrong values: the expected value, and the one on the page."""
        page = exporter.page().replace('deployment="fake",', "").replace('{deployment="fake"}', "")
        shown = {re.sub(r',?\w+=""', "", name): float(value) for name, value in support.samples(page).items()}
        expected = fake.gauges()
        for ledger, prefix in (("airflow", "airflow_dag_run"), ("airflow_tasks", "airflow_task_"),
                               ("airflow_assets", "airflow_asset_")):
            start = f'exporter_ledger_start_timestamp_seconds{{ledger="{ledger}",source="fake"}}'
            since = float(shown.get(start, 0))
            expected |= {name: value for name, value in fake.counters(since, by_task=True).items()
                         if name.startswith(prefix)}
        shown, expected = known(shown), known(expected)
        return {name: (expected.get(name, 0), shown.get(name, 0))
                for name in expected.keys() | shown.keys()
                if expected.get(name, 0) != shown.get(name, 0)}

    def check(self, version, **faults):
        clock = Clock(speed=0)
        world = World(clock.now(), version)
        login = Login(world.is_v1, token_seconds=8)
        with Fake(world, clock, login=login, faults=Faults(retry_after=0, **faults)) as fake:
            exporter = self.start(fake)
            self.advance(fake, exporter, 0)
            for step in range(self.STEPS):
                self.advance(fake, exporter, self.STEP)
                if step == self.STEPS // 3:
                    exporter.child.kill()
                    exporter.wait(support.START)
                    exporter = self.start(fake)
                    self.advance(fake, exporter, self.OUTAGE)
                    login.key = b"another key"
            fake.settle()
            while len(world.live) > 1:  # one waits for a pool that does not exist
                self.advance(fake, exporter, 11 * MINUTE)  # the pause between two reads of all runs
            self.advance(fake, exporter, 11 * MINUTE)
            try:
                support.poll(lambda: not self.difference(fake, exporter), "what is true",
                             support.START / 3)
            except AssertionError:
                self.assertEqual(self.difference(fake, exporter), {})
            self.assertGreater(len(fake.counters(world.start)), 100)
            return fake

    def test_a_slow_bucket_leads_prometheus_to_its_run(self):
        clock = Clock(speed=0)
        world = World(clock.now(), "3.3")
        with Fake(world, clock) as fake:
            exporter = self.start(fake)
            self.advance(fake, exporter, 0)
            prometheus = self.enterContext(Prometheus(self.folder, [job("airflow", exporter.port)],
                                                      "--enable-feature=exemplar-storage"))
            support.poll(prometheus.answers, "Prometheus is ready")
            self.advance(fake, exporter, self.OUTAGE)

            def exemplars(name):
                found = prometheus.ask("query_exemplars", query=name, start=clock.now() - 86400, end=clock.now() + 86400)
                return [(each["seriesLabels"]["dag_id"], one["labels"]) for each in found for one in each["exemplars"]]

            runs = support.poll(lambda: exemplars("airflow_dag_run_duration_seconds_bucket"), "exemplars of runs")
            for dag, labels in runs:
                self.assertIn((dag, labels["run_id"]), world.runs)
            tasks = support.poll(lambda: exemplars("airflow_task_duration_seconds_bucket"), "exemplars of tasks")
            self.assertTrue(all(labels.keys() == {"run_id"} for _, labels in tasks))

    def test_2(self):
        fake = self.check("2.11", **FAULTS, moving=1)
        self.assertTrue(all(fake.faults.counts[name] for name in FAULTS), fake.faults.counts)

    def test_3(self):
        fake = self.check("3.3", **FAULTS, chunked=0.1, moving=1)
        self.assertTrue(all(fake.faults.counts[name] for name in (*FAULTS, "chunked")), fake.faults.counts)
        self.assertGreater(fake.login.tokens, 2)


if __name__ == "__main__":
    unittest.main()
