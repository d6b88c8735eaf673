"""Each exporter appears everywhere it must; otherwise the test names the place."""

import re
import unittest

from support import EXPORTER, SOURCE, run

# What each exporter needs, by file: a pattern that the file must contain, or None if the file itself is
# enough. {name} is "host", {port} its port.
PLACES = {
    "CMakeLists.txt": r"add_subdirectory\(exporters/{name}\)",
    "README.md": r"\| `{name}_exporter` \| {port} \|",
    "cmake/packaging.cmake": r"package_exporter\({name} ",
    "deploy/config/{name}_exporter.yml": None,
    "deploy/kubernetes/components/{name}/{name}_exporter.yaml": r"containerPort: {port}\b",
    "deploy/docker/Dockerfile": r"AS {name}_exporter\n(.+\n)+EXPOSE {port}\n",
    "deploy/quickstart.py": r'"{name}": {port}\b',
    "deploy/systemd/{name}_exporter.service": None,
    "deploy/systemd/{name}_exporter.socket": r"(?m)^ListenStream={port}$",
    "docs/metrics/{name}.md": None,
    "docs/{name}.md": None,
    "prometheus/prometheus.yml": r"job_name: {name}\n",
    "prometheus/targets/{name}.yml": r":{port}\b",
    "tests/CMakeLists.txt": r"add_(?:test\(NAME|single_threaded_test\() ?{name}\b",
    "tests/live/docker": r'"{name}_exporter": \({port}\b',
    "tests/live/packages": r"\[{name}\]={port}\b(.*\n)+check_{name}\(\)",
}

NAMES = sorted(path.parent.name for path in (SOURCE / "exporters").glob("*/main.cc"))


def port_of(name):
    """The default port of the exporter."""
    text = (SOURCE / "exporters" / name / "main.cc").read_text()
    return re.search(r'default_listen = ":(\d+)"', text).group(1)


def missing(root, name, port):
    """One line for each place where the exporter is missing."""
    for place, pattern in PLACES.items():
        path = root / place.format(name=name)
        if not path.is_file():
            yield f"{name}_exporter: {place.format(name=name)} is missing"
        elif pattern and not re.search(pattern.format(name=name, port=port), path.read_text()):
            wanted = pattern.format(name=name, port=port)
            yield f"{name}_exporter: {place.format(name=name)} has nothing that matches {wanted}"


def listed(name):
    """The sections of the exporter's list of metrics, with patterns for the names of their samples."""
    sections = (SOURCE / f"docs/metrics/{name}.md").read_text().split("\n## ")[1:]
    suffixes = {"histogram": "_(bucket|count|sum)", "summary": "(_count|_sum)?"}
    return {section.split()[0]: {re.sub(r"<\w+>", r"\\w+", family) + suffixes.get(kind, "")
                                 for family, kind in re.findall(r"(?m)^\| `([^`]+)` \| (\w+)", section)}
            for section in sections}


def recorded_pages(name):
    """The names of samples on the recorded pages of the exporter; collectors of host have their own directories."""
    fixtures = SOURCE / "tests/fixtures" / name
    for path in sorted([*fixtures.rglob("*.prom"), *fixtures.rglob("*.changes")]):
        found = re.findall(r"(?m)^\+?([a-z]\w*)[{ ]", path.read_text())
        # Metrics of a shop come from a configuration of sql_exporter.
        yield path.relative_to(fixtures), {each for each in found if not each.startswith("shop_")}


class Inventory(unittest.TestCase):
    maxDiff = None

    def test_each_exporter_stands_in_each_place(self):
        self.assertGreaterEqual(len(NAMES), 2)
        for name in NAMES:
            with self.subTest(name):
                self.assertEqual("\n".join(missing(SOURCE, name, port_of(name))), "")

    def test_each_binary_is_an_exporter_of_the_suite(self):
        self.assertEqual(sorted(path.name for path in EXPORTER.parent.glob("*_exporter")),
                         sorted(f"{name}_exporter" for name in NAMES))

    def test_ports_are_all_different(self):
        ports = [port_of(name) for name in NAMES]
        self.assertEqual(len(set(ports)), len(ports))

    def test_lists_of_metrics_are_those_of_the_binaries(self):
        for name in NAMES:
            with self.subTest(name):
                result = run("--metrics.list", name=f"{name}_exporter")
                self.assertEqual(result.stdout, (SOURCE / f"docs/metrics/{name}.md").read_text(),
                                 f"run {name}_exporter --metrics.list > docs/metrics/{name}.md")

    def test_what_is_on_a_page_is_listed(self):
        checked = set()
        for name in NAMES:
            sections = listed(name)
            everywhere = set().union(*sections.values())
            for path, names in recorded_pages(name):
                checked.update(names)
                allowed = sections.get(path.parts[0], everywhere)
                with self.subTest(f"{name}/{path}"):
                    self.assertEqual([each for each in sorted(names)
                                      if not any(re.fullmatch(family, each) for family in allowed)], [])
        self.assertLessEqual({"node_load1", "dbt_node_info", "airflow_dag_info"}, checked)

    def test_what_is_forgotten_is_named(self):
        found = list(missing(SOURCE, "made_up", "19199"))
        self.assertEqual(len(found), len(PLACES))
        self.assertIn("made_up_exporter: docs/made_up.md is missing", found)


if __name__ == "__main__":
    unittest.main()
