"""A real Alertmanager with the shipped configuration."""

import datetime
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

import yaml
from sinks import SECRETS

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/support"))
from ports import free_port  # noqa: E402

SCALE = 120  # a second of the test is two minutes
BOUND = 300  # seconds before the test gives up; the machine may be slow and busy
OPEN = {"times": [{"start_time": "00:00", "end_time": "24:00"}]}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def poll(condition, what):
    """Calls condition() until it returns something true, and returns that."""
    end = time.monotonic() + BOUND
    while not (result := condition()):
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {BOUND} s")
        time.sleep(0.05)
    return result


def seconds(duration):
    return int(duration[:-1]) * UNITS[duration[-1]]


def shortened(route, scale):
    """A route and its children with their times divided by `scale`."""
    result = dict(route)
    for key in ("group_wait", "group_interval", "repeat_interval"):
        if key in route:
            result[key] = f"{max(1, round(seconds(route[key]) * 1000 / scale))}ms"
    if "routes" in route:
        result["routes"] = [shortened(child, scale) for child in route["routes"]]
    return result


def configuration(sinks, secrets, is_open=True, scale=SCALE):
    """The shipped configuration with these changes: times are shorter, addresses are those of the sinks,
    mail is sent without TLS, secrets are in another directory, and named times are now or never."""
    text = (ROOT / "alertmanager/alertmanager.yml").read_text()
    text = text.replace("/etc/alertmanager/secrets", str(secrets))
    text = text.replace("http://127.0.0.1:9095", f"http://127.0.0.1:{sinks.http}")
    config = yaml.safe_load(text)
    config["route"] = shortened(config["route"], scale)
    config["global"] |= {"smtp_smarthost": f"127.0.0.1:{sinks.smtp}", "smtp_require_tls": False,
                         "pagerduty_url": f"http://127.0.0.1:{sinks.http}/pagerduty"}
    never = {"years": ["1999"]}
    for interval in config["time_intervals"]:
        interval["time_intervals"] = [OPEN if is_open else never]
    return json.dumps(config)  # JSON is YAML


class Alertmanager:
    """A context that runs Alertmanager with its state in `folder`."""

    def __init__(self, program, folder, sinks, *flags, scale=SCALE):
        self.program, self.folder, self.sinks, self.flags, self.scale = program, folder, sinks, flags, scale
        self.url = f"http://127.0.0.1:{free_port()}"
        (folder / "secrets").mkdir(parents=True, exist_ok=True)
        for name, secret in SECRETS.items():
            (folder / "secrets" / name).write_text(secret)
        (folder / "secrets/slack_url").write_text(f"http://127.0.0.1:{sinks.http}/slack\n")
        shutil.copytree(ROOT / "alertmanager/templates", folder / "templates", dirs_exist_ok=True)
        self.write()

    def write(self, is_open=True):
        text = configuration(self.sinks, self.folder / "secrets", is_open, self.scale)
        (self.folder / "alertmanager.yml").write_text(text)

    def __enter__(self):
        with open(self.folder / "log", "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [self.program, f"--config.file={self.folder}/alertmanager.yml", f"--storage.path={self.folder}/data",
                 "--cluster.listen-address=", f"--web.listen-address={self.url[7:]}",
                 "--web.external-url=http://alerts.example.com", "--web.route-prefix=/", *self.flags],
                stderr=log, stdout=log, stdin=subprocess.DEVNULL, start_new_session=True)
        poll(self.is_ready, "Alertmanager is ready")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(BOUND)

    def is_ready(self):
        if self.process.poll() is not None:
            raise SystemExit(f"Alertmanager ended:\n{(self.folder / 'log').read_text()[-2000:]}")
        try:
            self.ask("/-/ready")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def ask(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=BOUND) as reply:
            return reply.read().decode()

    def reload(self, is_open):
        self.write(is_open)
        self.ask("/-/reload", method="POST")

    def post(self, *alerts):
        self.ask("/api/v2/alerts", list(alerts))

    def silence(self, matchers):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.ask("/api/v2/silences", {"matchers": matchers, "startsAt": iso(now),
                                      "endsAt": iso(now + datetime.timedelta(hours=1)), "createdBy": "test",
                                      "comment": "acknowledged"})

    def counter(self, name, integration):
        lines = re.findall(rf'^{name}\{{.*integration="{integration}".*\}} (\S+)$', self.ask("/metrics"), re.M)
        return sum(map(float, lines))


def iso(time_of):
    return time_of.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def alert(name, environment, /, severity="critical", ago=0, is_resolved=False, **labels):
    """An alert as sent by Prometheus, with annotations that need escaping."""
    now = datetime.datetime.now(datetime.timezone.utc)
    result = {
        "labels": {"alertname": name, "environment": environment, "severity": severity} | labels,
        "annotations": {"summary": f"{name} & more.", "description": f"What <{name}> is \"about\".",
                        "runbook_url": f"http://docs.example.com/{name}.md", "dashboard_url": "/d/dpe-dbt?var-project=a"},
        "startsAt": iso(now - datetime.timedelta(seconds=ago or 10 * is_resolved)),
        "generatorURL": "http://prometheus.example.com/graph",
    }
    return result | ({"endsAt": iso(now)} if is_resolved else {})
