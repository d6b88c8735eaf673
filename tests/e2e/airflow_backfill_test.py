"""The runs before the first start that airflow_exporter writes: each by its last end, then a counter reset."""

import collections
import datetime
import pathlib
import re
import subprocess
import sys
import time
import types
import unittest

import support

sys.path.insert(0, str(support.SOURCE / "deploy"))
from airflow_fake import truth  # noqa: E402
from airflow_fake.server import Fake  # noqa: E402
from airflow_fake.world import World  # noqa: E402
from fake_server import Clock  # noqa: E402

HOUR = 3600
PAST = 6 * HOUR
FAMILIES = ("airflow_dag_runs_total", "airflow_dag_run_duration_seconds_count",
            "airflow_dag_run_queue_seconds_count", "airflow_dag_run_schedule_delay_seconds_count")


def last_ends(world, since, until):
    """Counts the runs that have ended, each once, with its state after the last change by hand."""
    counts = collections.Counter()
    for run in world.runs.values():
        look = run.looks.at(world.now)
        if look and look.state in ("success", "failed") and not world.is_gone(run.dag):
            last = types.SimpleNamespace(ends=[look], type=run.type, dag=run.dag)
            truth.count_run(counts, world, last, since, until)
    return truth.written(counts)


class Labels(unittest.TestCase):
    def refused(self, *labels):
        with support.folder() as folder:
            result = support.run("backfill", "--deployment.url=http://127.0.0.1:1", "--deployment.name=fake",
                                 f"--directory={folder}/past", "--from=2026-01-01", "--to=2026-01-02",
                                 *(f"--label={label}" for label in labels), name="airflow_exporter")
            self.assertFalse((folder / "past").exists())
        return result.returncode, result.stderr.strip()

    def test_a_name_that_the_series_have_is_refused_before_anything_is_read(self):
        self.assertEqual(self.refused("job=airflow", "deployment=prod"), (
            1, "airflow_exporter: --label deployment: airflow_runs has a label of that name, which a scrape renames to exported_deployment"))
        code, said = self.refused("le=1")
        self.assertEqual((code, said.partition(" has ")[0].rpartition("_")[2]), (1, "seconds"))

    def test_a_name_twice_is_refused(self):
        self.assertEqual(self.refused("job=airflow", "job=other"),
                         (1, "airflow_exporter: --label job: given twice"))

    def test_a_reserved_name_is_refused(self):
        self.assertEqual(self.refused("__name__=x"), (2, "--label: expected NAME=VALUE\n"
                                                         "Run with --help for more information."))


class Backfill(unittest.TestCase):
    maxDiff = None

    def check(self, version):
        now = int(time.time())
        clock = Clock(now - PAST, speed=0)
        world = World(clock.now(), version)
        with support.folder() as folder, Fake(world, clock) as fake:
            clock.advance(PAST)
            fake.settle()
            config = folder / "airflow.yml"
            config.write_text(f"deployments:\n  - name: fake\n    url: '{fake.url}'\n"
                              "    username: viewer\n    password: viewer\n"
                              "    budget: {requests_per_second: 1000, burst: 1000, at_once: 8}\n")
            begin = datetime.datetime.fromtimestamp(now - PAST - HOUR, datetime.timezone.utc).isoformat()
            result = support.run("backfill", f"--config.file={config}", f"--state.dir={folder}/state",
                                 f"--directory={folder}/past", f"--from={begin}", "--step=5m",
                                 name="airflow_exporter")
            self.assertEqual(result.returncode, 0, result.stderr)
            text = ""
            for file in result.stdout.split():
                subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", file, folder / "data"],
                               check=True, capture_output=True, timeout=support.START)
                with open(file, encoding="utf-8") as lines:
                    text += lines.read()
            self.compare(text, last_ends(world, now - PAST - HOUR, now))
            for file in result.stdout.split():  # if it cannot write, it leaves no file
                pathlib.Path(file).unlink()
                pathlib.Path(file).mkdir()
            again = support.run(*result.args[1:], name="airflow_exporter")
            self.assertEqual(again.returncode, 1)
            self.assertIn("Is a directory", again.stderr)
            self.assertEqual(list((folder / "past").glob("*.partial")), [])
            month = datetime.datetime.fromtimestamp(now, datetime.timezone.utc).replace(day=1)
            (folder / f"past/airflow_exporter-{month:%Y-%m-%d}.om").mkdir(exist_ok=True)
            longer = f"--from={month - datetime.timedelta(40):%Y-%m-%d}"
            last = support.run(*(longer if str(flag).startswith("--from=") else flag for flag in result.args[1:]),
                               name="airflow_exporter")
            self.assertEqual(last.returncode, 1)
            self.assertIn(f"Is a directory; go on with --from={month:%Y-%m-%d}", last.stderr)

    def compare(self, text, expected):
        highest, last = collections.Counter(), {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            series, value, _ = line.rsplit(" ", 2)
            name = re.sub(r',?\w+=""', "", series.replace('deployment="fake",', ""))
            if name.partition("{")[0] in FAMILIES:
                self.assertTrue(float(value) >= last.get(name, 0) or value == "0", line)
                last[name] = float(value)
                highest[name] = max(highest[name], float(value))
        wanted = {name: count for name, count in expected.items() if name.partition("{")[0] in FAMILIES}
        self.assertEqual({name: (wanted.get(name, 0), highest.get(name, 0)) for name in wanted.keys() | highest.keys()
                          if wanted.get(name, 0) != highest.get(name, 0)}, {})
        self.assertGreater(len(expected), 20)
        self.assertEqual(set(last.values()), {0})

    def test_2(self):
        self.check("2.11")

    def test_3(self):
        self.check("3.3")


if __name__ == "__main__":
    unittest.main()
