"""The files of deploy/compose/ and logs/ that deploy/compose.yml mounts and runs, without an engine."""

import importlib.machinery
import importlib.util
import json
import re
import sys
import unittest

import yaml

from support import SOURCE, folder


def load(path):
    """Loads a program of the project as a module."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(path.name, loader))
    loader.exec_module(module)
    return module


INIT = load(SOURCE / "deploy/compose/init")
RETAIN = load(SOURCE / "logs/retain")
COMPOSE = yaml.safe_load((SOURCE / "deploy/compose.yml").read_text())
SETTING = re.compile(r"\$\{(\w+):-([^}]*)\}")


def prometheus_of(profiles):
    """The configuration and the targets that init writes for these profiles."""
    with folder() as made:
        INIT.write_prometheus(made, (SOURCE / "prometheus/prometheus.yml").read_text(),
                              (SOURCE / "deploy/compose/jobs.yml").read_text(), profiles)
        targets = {path.stem: json.loads(path.read_text())[0]["targets"] for path in (made / "targets").iterdir()}
        return yaml.safe_load((made / "prometheus.yml").read_text()), targets


class Prometheus(unittest.TestCase):
    def test_it_is_the_shipped_configuration_and_the_jobs_of_the_stack(self):
        made, _ = prometheus_of("demo")
        shipped = yaml.safe_load((SOURCE / "prometheus/prometheus.yml").read_text())
        self.assertEqual(made["global"], shipped["global"] | {"query_log_file": "/var/log/prometheus/queries.log"})
        self.assertEqual(made["rule_files"], ["../prometheus_rules/*.yml", "../alerts/*.yml"])
        count = len(shipped["scrape_configs"])
        self.assertEqual(made["scrape_configs"][:count], shipped["scrape_configs"])
        names = [job["job_name"] for job in made["scrape_configs"]]
        self.assertEqual(names[count:], ["grafana", "logs"])
        self.assertEqual(len(names), len(set(names)), names)

    def test_targets_are_the_exporters_of_the_profiles(self):
        _, targets = prometheus_of("host, dbt")
        self.assertEqual((targets["dbt"], targets["airflow"]), (["dbt_exporter:19103"], []))
        _, targets = prometheus_of("demo")
        self.assertTrue(all(targets.values()), targets)

    def test_a_profile_that_is_not_there_is_refused(self):
        with self.assertRaisesRegex(INIT.Failed, "names kafka; there are host, "):
            prometheus_of("dbt,kafka")

    def test_each_target_is_a_service_or_an_alias_of_one(self):
        names = {alias for service in COMPOSE["services"].values()
                 for alias in service.get("networks", {}).get("default", {}).get("aliases", [])}
        made, targets = prometheus_of("demo")
        addresses = [address for where in targets.values() for address in where]
        addresses += [address for job in made["scrape_configs"] for config in job.get("static_configs", [])
                      for address in config["targets"]]
        for address in addresses:
            host = address.partition(":")[0]
            self.assertIn(host, names | COMPOSE["services"].keys() | {"127.0.0.1"})


class Secrets(unittest.TestCase):
    def test_one_that_is_not_given_is_made_once(self):
        INIT.GRAFANA = (-1, -1)  # the user that runs the test
        with folder() as made:
            given, kept = made / "given", made / "kept"
            INIT.write_secret(given, kept)
            first = kept.read_text()
            INIT.write_secret(given, kept)
            self.assertGreater(len(first), 20)
            self.assertEqual(kept.read_text(), first)
            given.write_text("a longer secret\n")
            INIT.write_secret(given, kept)
            self.assertEqual(kept.read_text(), "a longer secret")
            self.assertEqual(kept.stat().st_mode & 0o777, 0o400)


class Retention(unittest.TestCase):
    def test_the_documents_say_what_the_files_do(self):
        logs = (SOURCE / "docs/logs.md").read_text()
        kept = re.findall(r"\| (\d+) days \|$", logs, re.M)
        rules = dict((what, period) for period, what in RETAIN.read_rules(SOURCE / "logs/retention.conf"))
        store = re.search(r"VL_retentionPeriod=(\d+)d", (SOURCE / "logs/victoria-logs.env").read_text())[1]
        log, queries = rules['{kind="log"}'][:-1], rules['{kind="audit"} ruleGroup.name:*'][:-1]
        self.assertEqual(kept, [log, log, store, queries, store])
        row = re.search(r"^\| retention \|.*$", (SOURCE / "docs/install.md").read_text(), re.M)[0]
        defaults = dict(SETTING.findall((SOURCE / "deploy/compose.yml").read_text()))
        for text in (f"metrics {defaults['PROMETHEUS_RETENTION'][:-1]} days", defaults["PROMETHEUS_SIZE"].replace("GB", " GB"),
                     f"logs {log} days, audit {store}"):
            self.assertIn(text, row)

    def test_a_rule_that_is_not_one_is_refused_with_its_line(self):
        for line, message in (("30 {a=\"b\"}", ":2: expected a number of days"), ("3d * | stats count()", ":2: a filter has no pipes")):
            with folder() as made, self.subTest(line):
                (made / "conf").write_text(f"# days and a filter\n{line}\n")
                with self.assertRaisesRegex(ValueError, message):
                    RETAIN.read_rules(made / "conf")


class Loki(unittest.TestCase):
    """deploy/compose.loki.yml, which no test runs, compared with the services in compose.yml that it replaces."""

    def setUp(self):
        self.services = yaml.safe_load((SOURCE / "deploy/compose.loki.yml").read_text())["services"]

    def test_streams_are_kept_as_long(self):
        limits = yaml.safe_load((SOURCE / "logs/loki/loki.yml").read_text())["limits_config"]
        rules = dict((what, period) for period, what in RETAIN.read_rules(SOURCE / "logs/retention.conf"))
        store = re.search(r"VL_retentionPeriod=(\d+)d", (SOURCE / "logs/victoria-logs.env").read_text())[1]
        wanted = [rules['{kind="log"}'][:-1], store, rules['{kind="audit"} ruleGroup.name:*'][:-1]]
        kept = [limits["retention_period"], *(stream["period"] for stream in limits["retention_stream"])]
        self.assertEqual(kept, [f"{int(days) * 24}h" for days in wanted])

    def test_the_same_files_are_read_as_the_same_kind(self):
        text = (SOURCE / "logs/vlagent.env").read_text()
        files = re.search(r"_glob=(.*)", text)[1].split(",")
        kinds = re.findall(r'"kind":"(\w+)"', text)
        alloy = re.findall(r'"__path__" = "([^"]+)", "kind" = "(\w+)"', (SOURCE / "logs/loki/config.alloy").read_text())
        self.assertEqual(alloy, list(zip(files, kinds, strict=True)))

    def test_what_is_mounted_is_there_and_what_is_scraped_runs(self):
        for service in self.services.values():
            for volume in service.get("volumes", []):
                if volume.startswith("."):
                    self.assertTrue((SOURCE / "deploy" / volume.partition(":")[0]).exists(), volume)
        running = {name for name, service in (COMPOSE["services"] | self.services).items() if "victoria-logs" not in
                   service.get("profiles", [])}
        for job in yaml.safe_load((SOURCE / "logs/loki/jobs.yml").read_text()):
            for address in job["static_configs"][0]["targets"]:
                self.assertIn(address.partition(":")[0], running)


class Compose(unittest.TestCase):
    def test_the_example_of_settings_shows_each_with_its_default(self):
        defaults = dict(SETTING.findall((SOURCE / "deploy/compose.yml").read_text()))
        shown = dict(re.findall(r"^#?(\w+)=(.*)$", (SOURCE / "deploy/.env.example").read_text(), re.M))
        self.assertEqual(shown.pop("COMPOSE_PROFILES"), "host")
        self.assertEqual(defaults.pop("COMPOSE_PROFILES"), "demo")
        self.assertEqual(shown, defaults)

    def test_versions_are_pinned_and_ports_are_of_the_machine_itself(self):
        for name, service in COMPOSE["services"].items():
            self.assertRegex(service["image"], r":v?\d+\.\d+", name)
            for port in service.get("ports", []):
                self.assertRegex(port, r"^127\.0\.0\.1:", name)

    def test_each_volume_is_declared_and_used(self):
        used = {volume.partition(":")[0] for service in COMPOSE["services"].values() for volume in service.get("volumes", [])
                if re.match(r"\w+:", volume)}
        self.assertEqual(used, COMPOSE["volumes"].keys())

    def test_the_demo_starts_exporters_with_the_flags_of_quickstart(self):
        text = (SOURCE / "deploy/quickstart.py").read_text()
        flags = re.findall(r'"(--(?:account|collector)[\w.-]*)', text)
        given = [flag.partition("=")[0] for flag in COMPOSE["services"]["demo_snowflake_exporter"]["command"]]
        self.assertEqual(set(flags) - set(given), set())


if __name__ == "__main__":
    unittest.main()
