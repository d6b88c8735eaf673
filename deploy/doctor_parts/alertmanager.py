"""Checks Alertmanager: its configuration, its secrets and its failed notifications."""

import re
import stat
from pathlib import Path

import yaml
from report import FAILED, OK, WARNING, Failed, check_clock, check_version, shown, version_of

OLDEST = "0.25.0"
MAIL_TRIMS = (0, 27)  # since when the password for email may end with a newline, like every other secret
COUNTERS = ("notifications_total", "notifications_failed_total", "notification_requests_total",
            "notification_requests_failed_total")
LINE = re.compile(r"^alertmanager_(\w+?)(?:\{(.*)\})? (\S+)$", re.M)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
MATCHER = re.compile(r'\s*([\w.]+)\s*(=~|!~|!=|=)\s*"?(.*?)"?\s*$')
NOT_SECRETS = {"ca_file", "cert_file", "key_file", "tls_config"}
EXAMPLE = re.compile(r"@example\.com|\.example\.com|//127\.0\.0\.1:9095/")  # the addresses in the shipped file


class Alertmanager:
    """A running Alertmanager: its configuration and its current counters."""

    def __init__(self, server):
        self.server = server
        status = server.json("/api/v2/status")
        try:
            self.version = status["versionInfo"]["version"]
            self.config = yaml.safe_load(status["config"]["original"])
        except (KeyError, TypeError, yaml.YAMLError):
            raise Failed(f"{server.url}: this is not Alertmanager's status") from None
        self.receivers = {receiver["name"]: channels_of(receiver) for receiver in self.config["receivers"]}

    def metrics(self):
        return parse(self.server.ask("/metrics"))


def parse(page):
    """Alertmanager's own samples on a page, without their prefix: name, labels, value."""
    return [(name, dict(LABEL.findall(labels or "")), float(value)) for name, labels, value in LINE.findall(page)]


def channels_of(receiver):
    """The integrations of a receiver, by their names in Alertmanager's counters, and the number of each."""
    return {key.removesuffix("_configs"): len(value) for key, value in receiver.items() if key.endswith("_configs") and value}


def words_of(channels):
    return ", ".join(name if count == 1 else f"{count} {name}" for name, count in channels.items())


def check_alertmanager(report, alertmanager, prometheus, root, secrets):
    """Runs all checks except the delivery. Without a Prometheus, leaves out those that need it."""
    check_version(report, "Alertmanager", alertmanager.version, OLDEST)
    check_clock(report, alertmanager.server)
    samples = alertmanager.metrics()
    reloaded = [value for name, _, value in samples if name == "config_last_reload_successful"]
    report.judge("Alertmanager configuration", [] if reloaded == [1] else ["the last reload failed"], "loaded",
                 "amtool check-config FILE; then reload")
    if prometheus:
        check_connection(report, alertmanager, prometheus)
    check_configuration(report, alertmanager.config, yaml.safe_load((root / "alertmanager/alertmanager.yml").read_text()))
    check_receivers(report, alertmanager)
    check_secrets(report, alertmanager, secrets)
    check_deliveries(report, samples, prometheus)


def check_connection(report, alertmanager, prometheus):
    active = [each["url"] for each in prometheus.api("alertmanagers")["activeAlertmanagers"]]
    report.judge("alert destinations", [] if active else ["no Alertmanager"], shown(active),
                 "add it to prometheus/targets/alertmanager_local.yml")
    lost = prometheus.query("increase(prometheus_notifications_errors_total[15m]) > 0"
                            " or increase(prometheus_notifications_dropped_total[15m]) > 0")
    report.judge("lost alerts", [f"{count:.0f} in 15 minutes, to {labels.get('alertmanager') or 'any'}"
                                           for labels, count in lost], "none in 15 minutes",
                 "check that each Alertmanager that Prometheus sends to is up; Prometheus's log has the errors")
    alerts = alertmanager.server.json("/api/v2/alerts")
    names = {alert["labels"].get("alertname") for alert in alerts}
    report.judge("alerts arrive", [] if "Watchdog" in names else ["Watchdog, which always fires, has not arrived"],
                 f"{len(alerts)}, including Watchdog", "check that Prometheus sends to this Alertmanager (see above)")


# -- configuration


def matcher_of(text):
    name, operator, value = MATCHER.match(text).groups()
    return name, operator, value.replace('\\"', '"')


def matchers_of(rule, key):
    """A rule's matchers in one form, however they are written."""
    pairs = [(name, operator, value) for old, operator in ((key.replace("matchers", "match"), "="),
                                                           (key.replace("matchers", "match_re"), "=~"))
             for name, value in (rule.get(old) or {}).items()]
    return frozenset([*map(matcher_of, rule.get(key) or []), *pairs])


def inhibitions_of(config):
    return {(matchers_of(rule, "source_matchers"), matchers_of(rule, "target_matchers"), frozenset(rule.get("equal") or []))
            for rule in config.get("inhibit_rules") or []}


def routes_of(route):
    """All routes of a tree by their matchers; the names of receivers may differ."""
    found = [matchers_of(route, "matchers")]
    for child in route.get("routes") or []:
        found += routes_of(child)
    return found


def written(matchers):
    return ", ".join(sorted("".join(matcher) for matcher in matchers))


def check_configuration(report, config, shipped):
    missing = inhibitions_of(shipped) - inhibitions_of(config)
    report.judge("inhibition",
                 sorted(f"{written(source)} does not inhibit {written(target)}" for source, target, _ in missing),
                 f"all {len(inhibitions_of(shipped))} rules are loaded",
                 "copy inhibit_rules from alertmanager/alertmanager.yml, or one failure causes many pages", WARNING)
    lost = set(routes_of(shipped["route"])) - set(routes_of(config["route"]))
    report.judge("routes", sorted(written(matchers) for matchers in lost), "as in alertmanager/alertmanager.yml",
                 "ignore this if you have your own routes; otherwise add the missing ones", WARNING)


def check_receivers(report, alertmanager):
    with_channel = [f"{name} ({words_of(channels)})" for name, channels in alertmanager.receivers.items() if channels]
    report.judge("receivers", [] if with_channel else ["none has a channel: nobody is notified"],
                 ", ".join(with_channel), "docs/alerting.md, \"Set it up\"")
    examples = sorted({f"{key}: {value}" for key, value in values_of(alertmanager.config) if EXAMPLE.search(value)})
    report.judge("addresses", examples, "none is an example", "replace it, or delete the channel", WARNING)


def values_of(value, key=""):
    """All texts of a configuration with their keys."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from values_of(child, name)
    elif isinstance(value, list):
        for child in value:
            yield from values_of(child, key)
    elif isinstance(value, str):
        yield key, value


# -- secrets


def check_secrets(report, alertmanager, folder):
    """Checks the files that the configuration names; `folder` overrides their directory. Never shows their
    contents."""
    files = {value: key for key, value in values_of(alertmanager.config)
             if value and key.endswith("_file") and key not in NOT_SECRETS}
    takes_newlines = version_of(alertmanager.version) < MAIL_TRIMS
    problems, unseen, open_for_all = [], [], []
    for name, key in sorted(files.items()):
        path = Path(folder) / Path(name).name if folder else Path(name)
        try:
            if not path.parent.is_dir():
                unseen.append(name)
            elif problem := problem_of_secret(path, takes_newlines and key.endswith("auth_password_file")):
                problems.append(f"{path} {problem}")
            elif path.stat().st_mode & stat.S_IROTH:
                open_for_all.append(str(path))
        except PermissionError:
            unseen.append(name)
    report.judge("secrets", problems, f"{len(files) - len(unseen)} files, each with one line",
                 "write the secret as one line: docs/alerting.md, \"Set it up\"")
    if open_for_all:
        report.add(WARNING, "secrets", f"every user of this machine can read {shown(open_for_all)}", "chmod o-r")
    if unseen:
        report.add(WARNING, "secrets", f"not readable from here: {shown(unseen)}",
                   "run the doctor as root on Alertmanager's machine, or set --secrets DIRECTORY")


def problem_of_secret(path, takes_newline):
    """The problem with a file, if any. With `takes_newline` a newline at its end would be a part of the secret."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return "is missing: its channel sends nothing"
    except IsADirectoryError:
        return "is a directory"
    except UnicodeDecodeError:
        return "is not text"
    line = text.removesuffix("\n")
    if not line.strip():
        return "is empty"
    if "\n" in line.strip():
        return "has more than one line"
    if line != line.strip():
        return "has blanks before or after the secret"
    if line != text and takes_newline:
        return "ends with a newline, which Alertmanager before 0.27 includes in the password"
    return ""


# -- failed notifications


def counters_of(samples, integration, receiver=None):
    """The counters of an integration; of one receiver if they have its name."""
    found = dict.fromkeys(COUNTERS, 0)
    for name, labels, value in samples:
        if name in found and labels.get("integration") == integration and labels.get("receiver_name") in (None, receiver):
            found[name] += value
    return found


def check_deliveries(report, samples, prometheus):
    """Reports recent failures, from Prometheus, and those since Alertmanager started, from its counters."""
    counted = [(name, labels, value) for name, labels, value in samples if name in COUNTERS and value > 0]
    old = [f"{labels.get('receiver_name') or labels['integration']}: {value:.0f} {WORDS[name]}"
           for name, labels, value in counted if name in WORDS]
    sent = sum(value for name, _, value in counted if name == "notifications_total")
    failing = "increase(alertmanager_notifications_failed_total[5m]) > 0 or" \
              " increase(alertmanager_notification_requests_failed_total[5m]) > 0"
    now = prometheus.query(failing) if prometheus else []
    if now:
        names = sorted({labels.get("receiver_name") or labels["integration"] for labels, _ in now})
        report.add(FAILED, "notifications", f"failed in the last 5 minutes: {shown(names)}", ACTION)
    elif old:
        report.add(WARNING, "notifications", f"since Alertmanager started: {shown(old)}", ACTION)
    else:
        report.add(OK, "notifications", f"{sent:.0f} since Alertmanager started, none failed")


WORDS = {"notifications_failed_total": "failed", "notification_requests_failed_total": "requests failed"}
ACTION = "docs/runbooks/AlertmanagerNotificationsFailing.md; find the receiver with --send"
