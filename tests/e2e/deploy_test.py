"""The files of deploy/ for each exporter: its example configuration, and the example dbt project."""

import datetime
import json
import re
import shutil
import subprocess
import sys
import unittest

from support import EXPORTER, SOURCE, WebConfig, folder, run

sys.path.insert(0, str(SOURCE / "deploy"))
import dbt_example  # noqa: E402

EXAMPLES = sorted((SOURCE / "deploy/config").glob("*.yml"))


class Example(unittest.TestCase):
    def check(self, example, text):
        with folder() as path:
            for tree in ("proc", "sys"):
                (path / "host" / tree).mkdir(parents=True)
            text = text.replace(" /host", f" {path}/host")
            WebConfig(path).certificate.rename(path / "ca.pem")
            text = text.replace(" /etc/data-platform-exporters", f" {path}")
            file = path / example.name
            file.write_text(text)
            result = run(f"--config.file={file}", "--config.check", name=example.stem)
            self.assertEqual((result.returncode, result.stdout, result.stderr),
                             (0, f"{file}: valid\n", ""))

    def test_there_is_one_for_each_exporter(self):
        self.assertEqual([example.stem for example in EXAMPLES],
                         sorted(binary.name for binary in EXPORTER.parent.glob("*_exporter")))

    def test_it_is_valid_and_sets_nothing(self):
        for example in EXAMPLES:
            with self.subTest(example.name):
                text = example.read_text()
                self.check(example, text)
                for line in text.splitlines():
                    self.assertRegex(line, r"^ *#|^$|^[a-z]+:$")

    def test_it_is_valid_with_each_setting_that_it_shows(self):
        for example in EXAMPLES:
            with self.subTest(example.name):
                # Of settings that exclude each other, one is removed.
                text = re.sub(r"(?m)^#(target|deployment|account):\n(#.*\n)+|^# +(username|password_file):.*\n", "",
                              example.read_text())
                text, count = re.subn(r"(?m)^#(?=  +(- )?[a-z0-9._-]+:)", "", text)
                self.assertGreater(count, 15)
                self.check(example, text)


class Kubernetes(unittest.TestCase):
    def generate(self, root, *flags):
        return subprocess.run([root / "deploy/kubernetes/generate", *flags], capture_output=True, text=True)

    def test_rules_are_those_of_prometheus(self):
        result = self.generate(SOURCE, "--check")
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_each_dashboard_is_named(self):
        """Otherwise kubectl, as tests/live/kubernetes runs it, would leave a dashboard out."""
        text = (SOURCE / "grafana/dashboards/kustomization.yaml").read_text()
        self.assertEqual(sorted(re.findall(r"files: \[(.+)\]", text)),
                         sorted(path.name for path in (SOURCE / "grafana/dashboards").glob("*.json")))

    def test_what_is_not_current_is_named_and_made(self):
        with folder() as path:
            for tree in ("deploy/kubernetes", "prometheus/rules", "alerts"):
                shutil.copytree(SOURCE / tree, path / tree)
            with (path / "alerts/sql_alerts.yml").open("a") as file:
                file.write("# changed\n")
            (path / "alerts/business_alerts.yml").unlink()
            result = self.generate(path, "--check")
            lines = [f"deploy/kubernetes/components/rules/{name}: not current: run deploy/kubernetes/generate"
                     for name in ("business_alerts.yaml", "kustomization.yaml", "sql_alerts.yaml")]
            self.assertEqual((result.returncode, result.stderr.splitlines()), (1, lines))
            self.assertEqual(self.generate(path).returncode, 0)
            self.assertEqual(self.generate(path, "--check").returncode, 0)


class Configure(unittest.TestCase):
    def test_a_checkout_may_be_moved(self):
        with folder() as path:
            (path / "first/deploy").mkdir(parents=True)
            shutil.copy(SOURCE / "deploy/configure", path / "first/deploy")
            (path / "first/CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.25)\nproject(small LANGUAGES NONE)\n")
            (path / "first/CMakePresets.json").write_text(json.dumps({
                "version": 6, "configurePresets": [
                    {"name": "small", "generator": "Ninja",
                     "binaryDir": "${sourceDir}/build/small"}]}))
            self.configure(path / "first", "-DKEPT=1")
            self.configure(path / "first")
            cache = (path / "first/build/small/CMakeCache.txt").read_text()
            self.assertIn("KEPT", cache)
            (path / "first").rename(path / "second")
            self.configure(path / "second")
            cache = (path / "second/build/small/CMakeCache.txt").read_text()
            self.assertIn(f"CMAKE_HOME_DIRECTORY:INTERNAL={path}/second\n", cache)

    @staticmethod
    def configure(root, *options):
        subprocess.run([root / "deploy/configure", "small", *options], check=True,
                       capture_output=True)


class Artifacts(unittest.TestCase):
    def test_those_of_the_example_are_moved_in_time_as_one(self):
        now = datetime.datetime(2031, 5, 6, 7, 8, 9, tzinfo=datetime.timezone.utc)

        def page(target):
            result = run(f"--target.path={target}", "--once", name="dbt_exporter")
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = [line for line in result.stdout.splitlines() if line.startswith("dbt_")]
            return {series: float(value) for series, _, value in
                    (line.rpartition(" ") for line in lines) if "_size_bytes" not in series}

        with folder() as path:
            dbt_example.write_to(path / "target", now)
            moved = {series.replace(str(path / "target"), str(dbt_example.ARTIFACTS)): value
                     for series, value in page(path / "target").items()}
        shipped = page(dbt_example.ARTIFACTS)
        times = {series for series in shipped if "timestamp_seconds" in series}
        self.assertGreater(len(times), 50)
        by = now.timestamp() - max(shipped[series] for series in times)
        for series in times:
            self.assertAlmostEqual(moved[series], shipped[series] + by, places=5)
        self.assertEqual({series: moved[series] for series in moved.keys() - times},
                         {series: shipped[series] for series in shipped.keys() - times})


if __name__ == "__main__":
    unittest.main()
