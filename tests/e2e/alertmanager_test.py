#!/usr/bin/env python3
"""Alertmanager's configuration: amtool accepts it, its page is current, and all names in it exist.
Deliveries are tested by tests/live/alertmanager."""

import itertools
import os
import pathlib
import re
import subprocess
import sys
import unittest

import yaml

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = ROOT / "alertmanager/alertmanager.yml"


def alternatives(pattern):
    """The patterns without `|` that are equivalent to a pattern with groups."""
    group = re.search(r"\(([^()]*)\)", pattern)
    if group:
        each = [pattern[:group.start()] + one + pattern[group.end():] for one in group[1].split("|")]
        return list(dict.fromkeys(itertools.chain(*map(alternatives, each))))
    return pattern.split("|")


def unknown_names(matchers, names):
    """The names that matchers on alertname look for and no alert has."""
    texts = [re.fullmatch(r'alertname(=~?|!=|!~)"(.*)"', matcher) for matcher in matchers]
    return [one for text in texts if text for one in alternatives(text[2])
            if not any(re.fullmatch(one, name) for name in names)]


def seconds(duration):
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


class Configuration(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.config = yaml.safe_load(FILE.read_text())
        cls.names = {rule["alert"] for path in ROOT.glob("alerts/*.yml")
                     for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]}

    def routes(self):
        todo = [self.config["route"]]
        while todo:
            yield (route := todo.pop())
            todo += route.get("routes", [])

    def test_amtool_accepts_it_and_its_templates(self):
        result = subprocess.run(["amtool", "check-config", FILE], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_the_page_of_routes_is_current(self):
        made = subprocess.run([ROOT / "alertmanager/routes"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(made, (ROOT / "docs/alert_routes.md").read_text(),
                         "run alertmanager/routes > docs/alert_routes.md")

    def test_each_receiver_has_a_route_of_test_alerts(self):
        """For `deploy/doctor --send`: each receiver that has an integration."""
        first = self.config["route"]["routes"][0]
        self.assertEqual(first["matchers"], ['doctor=~".+"'])
        wanted = [{"matchers": [f'receiver="{receiver["name"]}"'], "receiver": receiver["name"]}
                  for receiver in self.config["receivers"] if len(receiver) > 1]
        self.assertEqual(first["routes"], wanted)

    def test_it_names_alerts_that_are_there(self):
        matchers = [route.get("matchers", []) for route in self.routes()]
        for rule in self.config["inhibit_rules"]:
            matchers += [rule["source_matchers"], rule["target_matchers"]]
        self.assertEqual([name for each in matchers for name in unknown_names(each, self.names)], [])

    def test_a_name_that_no_alert_has_is_found(self):
        self.assertEqual(unknown_names(['alertname=~"Dbt(Model|Nothing)Failed|Gone"', 'job="a"'], {"DbtModelFailed"}),
                         ["Gone", "DbtNothingFailed"])

    def test_a_rule_asks_for_a_label_that_it_joins_by(self):
        """A label that is missing on both sides counts as equal."""
        for rule in self.config["inhibit_rules"]:
            for side in ("source_matchers", "target_matchers"):
                asked = {re.match(r"\w+", matcher)[0] for matcher in rule[side]}
                joined = set(rule["equal"]) - {"environment", "job", "instance", "project"}
                self.assertTrue(asked & joined or "project" in asked or "severity" in asked or "InfoInhibitor" in str(rule),
                                rule)

    def test_a_blocked_warehouse_is_known_before_the_failures_on_it_are_sent(self):
        """In the worst case, except for the 15 s in which a dbt command ends and is scraped."""
        prometheus = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())
        usual = prometheus["global"]
        job = next(one for one in prometheus["scrape_configs"] if one["job_name"] == "snowflake")
        read = re.search(r"#  resource_monitors:\n#    interval: (\w+)\n",
                         (ROOT / "deploy/config/snowflake_exporter.yml").read_text())
        rules = [group.get("interval", usual["evaluation_interval"])
                 for name in ("prometheus/rules/snowflake.yml", "alerts/snowflake_alerts.yml")
                 for group in yaml.safe_load((ROOT / name).read_text())["groups"] for rule in group["rules"]
                 if "monitor:snowflake_quota_suspends:ratio" == rule.get("record")
                 or "SnowflakeWarehouseBlocked" == rule.get("alert")]
        self.assertEqual(len(rules), 2)
        sent = next(route for route in self.routes() if route.get("receiver") == "critical" and "routes" in route)
        waits = [seconds(route["group_wait"]) for route in sent["routes"]]
        times = [read[1], job.get("scrape_interval", usual["scrape_interval"]), *rules]
        self.assertLessEqual(sum(map(seconds, times)), min(waits) + 15, times)

    def test_secrets_are_files_of_one_directory(self):
        text = FILE.read_text()
        files = re.findall(r"_file: (\S+?)[}\s]", text)
        self.assertTrue(files)
        self.assertEqual({os.path.dirname(name) for name in files}, {"/etc/alertmanager/secrets"})
        self.assertNotRegex(text, r"(password|api_url|routing_key|service_key|credentials): ")


if __name__ == "__main__":
    unittest.main()
