"""deploy/doctor with a real Prometheus and Alertmanager: it reports that all is well, and each fault."""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import threading
import unittest
import unittest.mock
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import support
import yaml
from support import SOURCE, Exporter, free_port

sys.path[:0] = [str(SOURCE / "deploy/doctor_parts"), str(SOURCE / "tests/live/alertmanager_parts")]
import alertmanager as of_alertmanager  # noqa: E402
import prometheus as of_prometheus  # noqa: E402
import report as of_report  # noqa: E402
import send  # noqa: E402
import server  # noqa: E402
import sinks  # noqa: E402

INTERVAL = "3s"  # for scrapes and Watchdog's group; other rules are only loaded, as they would keep a processor busy


def doctor(*flags):
    """The exit code, and the report as text."""
    result = subprocess.run([SOURCE / "deploy/doctor", *flags], capture_output=True, text=True, check=False,
                            timeout=support.START, env=support.environment(None))
    if result.stderr:
        raise AssertionError(result.stderr)
    return result.returncode, result.stdout


def row(text, check):
    """The rows of a check as "status: text"."""
    lines = [line for line in text.splitlines() if line[9:].startswith(f"{check}  ")]
    return [f"{line[:9].strip()}: {line[9 + len(check):].strip()}" for line in lines]


class Sinks(sinks.Sinks):
    """The sinks of the live test; Slack's can answer 500."""

    slack_is_broken = False

    def answer_http(self, path, headers, body):
        return 500 if path == "/slack" and self.slack_is_broken else super().answer_http(path, headers, body)


class Prometheus(support.Process):
    """A Prometheus with the shipped rules."""

    def __init__(self, folder, targets):
        self.port, self.folder, self.targets = free_port(), folder, targets
        (folder / "rules").mkdir()
        for path in [*SOURCE.glob("prometheus/rules/*.yml"), *SOURCE.glob("alerts/*.yml")]:
            name = "  - name: monitoring\n"
            (folder / "rules" / path.name).write_text(path.read_text().replace(name, f"{name}    interval: {INTERVAL}\n"))
        self.write()
        super().__init__(["prometheus", f"--config.file={folder}/prometheus.yml", "--log.level=warn",
                          "--storage.tsdb.retention.time=31d", f"--storage.tsdb.path={folder}/data",
                          f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-lifecycle"])

    def write(self, *jobs):
        (self.folder / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": "1h"},
            "rule_files": [f"{self.folder}/rules/*.yml"],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self.targets["alertmanager"]]}]}]},
            "scrape_configs": [{"job_name": name, "static_configs": [{"targets": [target]}]}
                               for name, target in ({"prometheus": f"127.0.0.1:{self.port}"} | self.targets).items()]
            + list(jobs),
        }))  # fmt: skip

    def reload(self):
        support.fetch(self.port, "/-/reload", method="POST")

    def ask(self):
        return of_report.Prometheus("Prometheus", f"http://127.0.0.1:{self.port}")

    def has_settled(self, up):
        """Whether that many targets are up, none is unknown, and Watchdog fires."""
        with contextlib.suppress(of_report.Failed):
            health = [target["health"] for target in self.ask().api("targets?state=active")["activeTargets"]]
            return "unknown" not in health and health.count("up") == up and self.ask().query("ALERTS")


class Grafana(ThreadingHTTPServer):
    """The parts of Grafana's API that the doctor uses: SearchHit, DataSource and HealthResponse of its
    published client (github.com/grafana/grafana-openapi-client-go, v0.0.0-20260330113218)."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), GrafanaHandler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.sources = [source for path in SOURCE.glob("grafana/provisioning/datasources/*.yml")
                        for source in yaml.safe_load(path.read_text())["datasources"]]
        self.boards = [json.loads(path.read_text())["uid"] for path in SOURCE.glob("grafana/dashboards/**/*.json")]
        self.broken = ""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()

    def answer(self, path):
        if path == "/api/health":
            return 200, {"database": "ok", "version": "12.4.0"}
        if path == "/api/datasources":
            return 200, [{"uid": source["uid"], "name": source["name"], "type": source["type"], "url": source["url"]}
                         for source in self.sources]
        if path == "/api/search?type=dash-db&limit=5000":
            return 200, [{"uid": uid, "type": "dash-db"} for uid in self.boards]
        if path == "/api/datasources/proxy/uid/alertmanager/api/v2/status":
            return 200, {"versionInfo": {}}
        uid = path.removeprefix("/api/datasources/uid/").removesuffix("/health")
        if uid == "alertmanager":
            return 404, {"message": "Plugin not found"}
        return (200, {"status": "OK", "message": "works"}) if uid != self.broken else (
            200, {"status": "ERROR", "message": "connection refused"})


class GrafanaHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        allowed = self.headers["Authorization"] == "Bearer glsa_token"
        status, body = self.server.answer(self.path) if allowed else (401, {"message": "Unauthorized"})
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Stack(unittest.TestCase):
    """A single test, because starting the stack takes long: first all is well, then everything fails."""

    def test_it_says_what_is_well_and_names_each_fault(self):
        stack = self.enterContext(contextlib.ExitStack())
        folder = stack.enter_context(support.folder())
        self.sinks = Sinks()
        (folder / "alertmanager").mkdir()
        self.alertmanager = server.Alertmanager("prometheus-alertmanager", folder / "alertmanager", self.sinks)
        for path in (folder / "alertmanager/secrets").iterdir():
            path.chmod(0o600)
        stack.enter_context(self.alertmanager)
        exporter = stack.enter_context(Exporter("--collector.disable-defaults", "--collector.time", "--collector.loadavg"))
        (folder / "prometheus").mkdir()
        self.prometheus = stack.enter_context(Prometheus(folder / "prometheus", {
            "alertmanager": self.alertmanager.url[7:], "host": f"127.0.0.1:{exporter.port}"}))
        support.poll(lambda: self.prometheus.has_settled(up=3), "Prometheus has scraped and evaluated")
        support.poll(lambda: self.sinks.found("heartbeat"), "Watchdog is sent")
        self.flags = ("--prometheus", f"http://127.0.0.1:{self.prometheus.port}", "--alertmanager", self.alertmanager.url)
        self.all_is_well()
        self.break_all(stack, folder)
        self.everything_fails()

    def all_is_well(self):
        code, text = doctor(*self.flags, "--send")
        self.assertEqual(code, 0, text)
        bad = [line for line in text.splitlines() if line.startswith(("warning", "failed"))]
        self.assertEqual([line.split("  ")[1] for line in bad], ["addresses"], text)
        self.assertEqual(row(text, "targets of host"), ["ok: 1 up"])
        self.assertEqual(row(text, "jobs without targets"), ["ok: dbt (Prometheus has no such job), airflow (Prometheus has no"
                         " such job), snowflake (Prometheus has no such job), sql (Prometheus has no such job)"])
        self.assertEqual(row(text, "test alert to critical"), ["ok: email arrived", "ok: slack arrived"])
        self.assertEqual(row(text, "test alert to nobody"), ["ok: not sent: it has no channel"])
        arrived = {message.channel: message.text for message in self.sinks.found() if "DoctorTest" in str(message.body)}
        self.assertEqual(arrived.keys(), {"#data-alerts", "#data-warnings", "#business-alerts", "data-team@example.com",
                                   "data-managers@example.com", "pagerduty", "webhook", "heartbeat"})
        self.assertIn("Nothing is wrong", arrived["data-managers@example.com"])

    def break_all(self, stack, folder):
        web = support.WebConfig(folder)
        secured = stack.enter_context(Exporter("--collector.disable-defaults", "--collector.time",
                                               f"--web.config.file={web.file}"))
        (folder / "prometheus/rules/business.yml").unlink()
        self.prometheus.write(
            {"job_name": "dbt", "static_configs": [{"targets": ["127.0.0.1:1"]}]},
            {"job_name": "sql", "static_configs": [{"targets": [self.prometheus.targets["alertmanager"]]}]},
            {"job_name": "secured", "static_configs": [{"targets": [f"127.0.0.1:{secured.port}"]}], "scheme": "https",
             "basic_auth": {"username": web.user, "password": web.password}, "tls_config": {"insecure_skip_verify": True}})
        self.prometheus.reload()
        secrets = folder / "alertmanager/secrets"
        (secrets / "pagerduty_key").unlink()
        (secrets / "webhook_token").write_text("wrong \n")
        self.sinks.slack_is_broken = True
        text = (folder / "alertmanager/alertmanager.yml").read_text().replace(str(self.sinks.smtp), "1")
        config = json.loads(text)
        config["route"]["routes"][0]["routes"].pop()  # the route of heartbeat
        config["inhibit_rules"].pop()
        (folder / "alertmanager/alertmanager.yml").write_text(json.dumps(config))
        self.alertmanager.ask("/-/reload", method="POST")
        support.poll(lambda: self.prometheus.has_settled(up=5), "the new targets are scraped")

    def everything_fails(self):
        receivers = [flag for name in ("critical", "on-call", "webhook", "heartbeat", "gone")
                     for flag in ("--receiver", name)]
        code, text = doctor(*self.flags, "--send", f"--wait={support.START}", *receivers)
        self.assertEqual(code, 1, text)
        self.assertRegex(row(text, "targets of dbt")[0], r"failed: 127\.0\.0\.1:1: .*refused")
        self.assertRegex(row(text, "exporters")[0], r"failed: sql at .* is not an exporter")
        self.assertRegex(row(text, "certificates")[0], r"failed: 127\.0\.0\.1:\d+ expires in 2 days")
        self.assertEqual(row(text, "rules loaded"), ["failed: group business is not loaded"])
        self.assertRegex(row(text, "secrets")[0], r"failed: \S+/pagerduty_key is missing: its channel sends nothing;"
                         r" \S+/webhook_token has blanks")
        self.assertRegex(row(text, "inhibition")[0], r'warning: alertname=InfoInhibitor does not inhibit severity=info')
        critical = row(text, "test alert to critical")
        self.assertRegex(critical[0], r"failed: email failed \d+ times and is being retried")
        self.assertRegex(critical[1], r"failed: slack failed \d+ times and is being retried")
        self.assertEqual(row(text, "test alert to on-call"), ["failed: pagerduty was rejected"])
        self.assertEqual(row(text, "test alert to webhook"), ["failed: webhook was rejected"])
        self.assertEqual(row(text, "test alert to heartbeat"),
                         ["failed: not sent: the route for test alerts does not lead to it"])
        self.assertIn("failed: no such receiver: gone", row(text, "test alerts"))
        failing = "increase(alertmanager_notifications_failed_total[5m]) > 0"
        support.poll(lambda: self.prometheus.ask().query(failing), "failures are counted")
        self.assertRegex(row(doctor(*self.flags)[1], "notifications")[0], "failed: failed in the last 5 minutes: .*webhook")

    def test_servers_that_do_not_answer(self):
        code, text = doctor("--prometheus=http://127.0.0.1:1", "--alertmanager=http://127.0.0.1:1", "--send")
        self.assertEqual(code, 1)
        for name in ("Prometheus", "Alertmanager"):
            self.assertRegex(row(text, name)[0], "failed: http://127.0.0.1:1/.*refused")

    def test_servers_that_are_others(self):
        grafana = Grafana()
        self.addCleanup(grafana.end)
        code, text = doctor(f"--prometheus={grafana.url}", f"--alertmanager={grafana.url}", f"--grafana={grafana.url}")
        self.assertEqual(code, 1)
        for name in ("Prometheus", "Alertmanager", "Grafana"):
            self.assertRegex(row(text, name)[0], "failed: .*: 401 Unauthorized")


class OwnAlertmanager(unittest.TestCase):
    """An Alertmanager whose configuration is not the shipped one."""

    def test_the_route_that_it_prints_delivers_test_alerts(self):
        folder, arrived = self.enterContext(support.folder()), Sinks()
        alertmanager = server.Alertmanager("prometheus-alertmanager", folder, arrived)
        team = "the team's \"own\""
        config = {"route": {"receiver": team, "routes": [{"matchers": ['severity="none"'], "receiver": "nobody"}]},
                  "receivers": [{"name": team, "webhook_configs": [{"url": f"http://127.0.0.1:{arrived.http}/heartbeat"}]},
                                {"name": "nobody"}]}
        file = folder / "alertmanager.yml"
        file.write_text(json.dumps(config))
        self.enterContext(alertmanager)
        flags = ("--prometheus=http://127.0.0.1:1", "--alertmanager", alertmanager.url, "--send")
        text = doctor(*flags)[1]
        self.assertEqual(row(text, "test alerts"), ["failed: not sent: no route matches the label doctor"])
        route = re.search(r"^ +- \{matchers: .*?\]\}$", text, re.M | re.S)[0]
        config["route"]["routes"][:0] = yaml.safe_load(route)
        file.write_text(json.dumps(config))
        alertmanager.ask("/-/reload", method="POST")
        text = doctor(*flags)[1]
        self.assertEqual(row(text, f"test alert to {team}"), ["ok: webhook arrived"])
        self.assertIn("DoctorTest", str([message.body for message in arrived.found("heartbeat")]))


class OfGrafana(unittest.TestCase):
    def setUp(self):
        self.grafana = Grafana()
        self.addCleanup(self.grafana.end)
        self.folder = self.enterContext(support.folder())
        (self.folder / "token").write_text("glsa_token\n")
        (self.folder / "secret").write_text("good")
        self.flags = ("--prometheus=http://127.0.0.1:1", "--alertmanager=http://127.0.0.1:1", "--grafana",
                      self.grafana.url, f"--grafana-token-file={self.folder}/token", f"--grafana-secret={self.folder}/secret")

    def test_all_is_well(self):
        _, text = doctor(*self.flags)
        self.assertEqual(row(text, "Grafana"), ["ok: 12.4.0"])
        self.assertEqual(row(text, "dashboards"), [f"ok: all {len(self.grafana.boards)} found"])
        self.assertEqual(row(text, "data source Alertmanager"), ["ok: answers"])
        self.assertEqual(row(text, "data source Logs"), ["ok: answers"])
        self.assertEqual(row(text, "Grafana's secrets"), ["ok: 1 files, none contains a $"])

    def test_faults(self):
        (self.folder / "secret").write_text("cor$rect")
        self.grafana.boards.remove("dpe-dbt")
        self.grafana.broken = "prometheus"
        self.grafana.sources = [source for source in self.grafana.sources if source["uid"] != "logs"]
        _, text = doctor(*self.flags)
        self.assertEqual(row(text, "dashboards"), ["failed: dbt is missing"])
        self.assertEqual(row(text, "data source Prometheus"), ["failed: connection refused"])
        self.assertEqual(row(text, "data source Logs"), ["failed: no data source has the uid logs"])
        self.assertRegex(row(text, "Grafana's secrets")[0], r"failed: \S+/secret contains a \$, where Grafana silently truncates it")
        self.assertNotIn("cor$", text)

    def test_a_token_that_is_not_there(self):
        (self.folder / "token").unlink()
        self.assertRegex(row(doctor(*self.flags)[1], "Grafana")[0], "failed: .*/token: No such file")


class Parts(unittest.TestCase):
    def judged(self, status, **changes):
        change = dict.fromkeys(of_alertmanager.COUNTERS, 0) | changes
        self.assertEqual(send.outcome(change, 1)[0], status, changes)

    def test_an_attempt_is_no_delivery(self):
        self.judged("", notifications_total=1)
        self.judged("", notifications_total=1, notification_requests_total=2, notification_requests_failed_total=2)
        self.judged("ok", notifications_total=1, notification_requests_total=3, notification_requests_failed_total=2)
        self.judged("failed", notifications_total=1, notification_requests_total=3, notification_requests_failed_total=3)
        self.judged("failed", notifications_total=1, notification_requests_total=1, notification_requests_failed_total=1,
                    notifications_failed_total=1)

    def test_each_channel_of_a_receiver_must_deliver(self):
        change = {"notifications_total": 2, "notification_requests_total": 2, "notification_requests_failed_total": 1,
                  "notifications_failed_total": 1}
        self.assertEqual(send.outcome(change, 2), ("failed", "was rejected by 1 of 2 channels"))

    def found_of(self, samples=(), alerts=(), retried=()):
        """The result for a receiver whose counters do not change."""
        fake = unittest.mock.Mock(receivers={"team": {"slack": 1}})
        fake.metrics.return_value = list(samples)
        fake.server.json.side_effect = lambda _: [alert | {"labels": posted["labels"]} for alert in alerts
                                                  for posted in fake.server.ask.call_args[0][1]]
        report = of_report.Report()
        send.Delivery(fake, "team", "run", set(retried)).judge(report, "team", 0.01)
        return report.rows[0][:3:2]

    def test_a_receiver_of_which_nothing_is_heard(self):
        self.assertEqual(self.found_of(), ("failed", "slack was not sent within 0.01 s"))
        silenced = {"status": {"silencedBy": ["a"], "inhibitedBy": []}}
        self.assertEqual(self.found_of(alerts=[silenced]), ("warning", "slack was not sent: a silence matches it"))
        self.assertEqual(self.found_of(retried=["slack"]), (
            "failed", "slack has an unknown result: an earlier alert by slack is still being retried"))

    def test_counters_of_one_receiver(self):
        page = "\n".join(f'alertmanager_notifications_failed_total{{integration="slack",{labels}}} {value}'
                         for labels, value in (('reason="clientError",receiver_name="a"', 1),
                                               ('reason="authError",receiver_name="a"', 2),
                                               ('reason="other",receiver_name="b"', 4)))
        found = of_alertmanager.counters_of(of_alertmanager.parse(page), "slack", "a")
        self.assertEqual(found["notifications_failed_total"], 3)

    def test_windows(self):
        for expression, days in (("rate(a[5m])", 5 / 1440), ("a offset 1w", 7), ("max_over_time(a[9d] offset 1d)", 10),
                                 ("sum_over_time(a[30d:1d])", 30), ("a", 0)):
            self.assertEqual(of_prometheus.window_of(expression), days * 86400, expression)

    def test_retention(self):
        rule = {"name": "month", "query": "sum_over_time(a[30d:1d])"}
        for kept, status in (("15d", "warning"), ("15d or 5GiB", "warning"), ("30d", "ok"), ("1y", "ok"), ("5GiB", "ok")):
            found = of_report.Report()
            of_prometheus.check_retention(found, kept, [{"rules": [rule]}])
            self.assertEqual(found.rows[0].status, status, kept)
            if status == "warning":
                self.assertEqual(found.rows[0].found, f"{kept}, but 1 rules look back further: month")

    def test_a_target_that_is_not_scraped_yet_is_not_down(self):
        found, fake = of_report.Report(), unittest.mock.Mock()
        target = {"labels": {"job": "dbt", "instance": "a:1"}, "lastError": "", "health": "unknown"}
        fake.api.side_effect = lambda path: {"yaml": "{}"} if path == "status/config" else {"activeTargets": [target]}
        of_prometheus.check_targets(found, fake)
        self.assertEqual(found.rows[0][:3], ("warning", "targets of dbt", "1 of 1 not scraped yet"))

    def test_rules_that_fail_or_are_slow_and_alerts_on_monitoring(self):
        found = of_report.Report()
        group = {"name": "monitoring", "interval": 15, "evaluationTime": 20, "rules": [
            {"name": "PrometheusRulesFailing", "lastError": "many-to-many", "labels": {"severity": "critical"},
             "alerts": [{"state": "firing"}]}]}
        of_prometheus.check_rules(found, [group], pathlib.Path("/nowhere"))
        of_prometheus.check_firing(found, [group])
        self.assertEqual([(each.check, each.status) for each in found.rows], [
            ("rules loaded", "ok"), ("rule evaluation", "failed"), ("rule speed", "warning"),
            ("alerts on monitoring", "failed"), ("Watchdog", "failed")])

    def test_versions(self):
        for found, status in (("2.42.0+ds", "ok"), ("3.5.3", "ok"), ("2.41.0", "failed"), ("v2.9.1", "failed")):
            report = of_report.Report()
            of_report.check_version(report, "Prometheus", found, "2.42.0")
            self.assertEqual(report.rows[0].status, status, found)

    def test_matchers_are_the_same_however_they_are_written(self):
        old = {"match": {"a": "b"}, "match_re": {"c": "d|e"}}
        new = {"matchers": ['a = "b"', "c=~d|e"]}
        self.assertEqual(of_alertmanager.matchers_of(old, "matchers"), of_alertmanager.matchers_of(new, "matchers"))

    def test_files_of_secrets(self):
        folder = self.enterContext(support.folder())
        for text, problem in (("a\n", ""), ("a", ""), ("", "is empty"), ("a\nb\n", "has more than one line"),
                              ("a \n", "has blanks before or after the secret"), (" a", "has blanks before or after the secret")):
            (folder / "a").write_text(text)
            self.assertEqual(of_alertmanager.problem_of_secret(folder / "a", False), problem, repr(text))
        (folder / "a").write_text("a")
        self.assertEqual(of_alertmanager.problem_of_secret(folder / "a", True), "")
        (folder / "a").write_text("a\n")
        self.assertRegex(of_alertmanager.problem_of_secret(folder / "a", True), "^ends with a newline")
        self.assertEqual(of_alertmanager.problem_of_secret(folder, False), "is a directory")

    def test_which_files_are_secrets(self):
        """A newer Alertmanager returns unset secrets as empty texts. In a mail password, a newline is significant."""
        folder = self.enterContext(support.folder())
        for name in ("mail", "slack"):
            (folder / name).write_text("a\n")
            (folder / name).chmod(0o600)
        config = {"global": {"smtp_auth_password_file": f"{folder}/mail", "slack_api_url_file": f"{folder}/slack"},
                  "receivers": [{"webhook_configs": [{"url_file": "", "http_config": {"tls_config": {"ca_file": "ca"}}}]}]}
        for version, status in (("0.25.0+ds", "failed"), ("0.27.0", "ok")):
            found = of_report.Report()
            of_alertmanager.check_secrets(found, unittest.mock.Mock(config=config, version=version), None)
            self.assertEqual([each.status for each in found.rows], [status], found.rows)


if __name__ == "__main__":
    unittest.main()
