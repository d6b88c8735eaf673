"""A test alert through each receiver, one after the other, and what Alertmanager's counters say became of it."""

import datetime
import secrets
import time

from alertmanager import counters_of, matchers_of
from report import FAILED, OK, WARNING, version_of

LABEL = "doctor"  # its value is the run's; the route of it is in alertmanager.yml
LASTS = 60  # seconds until the alert ends
REPEATED = 3  # failed requests until one that is sent again is called failed
POLL = 0.1
WITH_NAMES = (0, 27)  # since when counters can have the names of receivers
GONE_ON = "Alertmanager sends it again for a minute; its log says why (Notify for alerts failed)"
LOG = "Alertmanager's log says why (Notify for alerts failed): the secret, the address, or the right to post"


def find_route(config):
    """The receivers that the route of test alerts leads to; None without such a route."""
    for route in config["route"].get("routes") or []:
        if any(name == LABEL for name, _, _ in matchers_of(route, "matchers")):
            return {child.get("receiver") for child in route.get("routes") or []
                    if ("receiver", "=", child.get("receiver")) in matchers_of(child, "matchers")}
    return None


def send_to_all(report, alertmanager, only, wait):
    """Sends to the receivers that `only` names, or to all."""
    routed = find_route(alertmanager.config)
    if routed is None:
        report.add(FAILED, "test alerts", f"nothing was sent: no route of the label {LABEL}",
                   "take over the first route of alertmanager/alertmanager.yml")
        return
    unknown = [name for name in only if name not in alertmanager.receivers]
    if unknown:
        report.add(FAILED, "test alerts", f"there is no receiver {', '.join(unknown)}",
                   f"name one of {', '.join(alertmanager.receivers)}")
    check_counters(report, alertmanager)
    run, retried = secrets.token_hex(4), set()
    for name, channels in alertmanager.receivers.items():
        if only and name not in only:
            continue
        check = f"test alert to {name}"
        if not channels:
            report.add(OK, check, "not sent: it has no channel")
        elif name not in routed:
            report.add(FAILED, check, "not sent: the route of test alerts has no route to it",
                       f"add there {{matchers: [receiver=\"{name}\"], receiver: {name}}}")
        else:
            Delivery(alertmanager, name, run, retried).judge(report, check, wait)


def check_counters(report, alertmanager):
    if has_names(alertmanager.metrics()):
        report.add(OK, "test alerts", "are judged by the counters of each receiver")
        return
    status = WARNING if version_of(alertmanager.version) >= WITH_NAMES else OK
    report.add(status, "test alerts", "are judged by the counters of each integration: an alert that is sent by the same at"
               " the same moment can be taken for one", "start Alertmanager with --enable-feature=receiver-name-in-metrics")


def alert_of(name, run, now):
    ends = now + datetime.timedelta(seconds=LASTS)
    return {
        "labels": {"alertname": "DoctorTest", LABEL: run, "receiver": name, "severity": "test"},
        "annotations": {
            "summary": "A test of the alerting. Nothing is wrong.",
            "description": f"deploy/doctor --send sent this to the receiver {name} at {now:%H:%M:%S} UTC (run {run})."
                           " It resolves by itself within minutes.",
        },
        "startsAt": now.isoformat(), "endsAt": ends.isoformat(),
    }  # fmt: skip


class Delivery:
    """One test alert. `retried` has the integrations of which an alert that failed is still sent again: where counters
    have no names of receivers, its requests cannot be told from others."""

    def __init__(self, alertmanager, name, run, retried):
        self.alertmanager, self.name, self.run, self.retried = alertmanager, name, run, retried
        self.channels = alertmanager.receivers[name]

    def judge(self, report, check, wait):
        samples = self.alertmanager.metrics()
        before = self.counters(samples)
        self.alertmanager.server.ask("/api/v2/alerts", [
            alert_of(self.name, self.run, datetime.datetime.now(datetime.timezone.utc))])
        end = time.monotonic() + wait
        verdicts = {}
        while len(verdicts) < len(self.channels) and time.monotonic() < end:
            samples = self.alertmanager.metrics()
            changes = difference(before, self.counters(samples))
            for integration in self.channels.keys() - verdicts.keys():
                if verdict := self.verdict(integration, changes[integration], samples):
                    verdicts[integration] = verdict
            time.sleep(POLL)
        for integration in self.channels:
            status, found, action = verdicts.get(integration) or self.no_answer(integration, changes[integration], wait)
            report.add(status, check, f"{integration} {found}", action)

    def counters(self, samples):
        return {integration: counters_of(samples, integration, self.name) for integration in self.channels}

    def verdict(self, integration, change, samples):
        """What became of it; None while that is not known."""
        status, found = outcome(change, self.channels[integration])
        if not status or (status == FAILED and integration in self.retried):
            return None
        is_retried = status == FAILED and not change["notifications_failed_total"]
        if is_retried and not has_names(samples):
            self.retried.add(integration)
        return status, found, GONE_ON if is_retried else LOG

    def no_answer(self, integration, change, wait):
        if integration in self.retried:
            return (FAILED, f"has not arrived for certain: an earlier alert by {integration} is still sent again",
                    f"--send --receiver {self.name} in a minute")
        if reason := self.held_by():
            return WARNING, f"was not sent: {reason}", "end that, and try again"
        if change["notifications_total"]:
            return FAILED, f"has no answer after {wait:g} s", "is the address right, and reachable from Alertmanager?"
        return (FAILED, f"was not sent within {wait:g} s",
                "Alertmanager may wait after its start (--dispatch.start-delay), or another of its cluster may send")

    def held_by(self):
        for alert in self.alertmanager.server.json("/api/v2/alerts"):
            if (alert["labels"].get(LABEL), alert["labels"].get("receiver")) == (self.run, self.name):
                status = alert["status"]
                return "a silence matches it" if status["silencedBy"] else "an alert inhibits it" if status["inhibitedBy"] else ""
        return ""


def difference(before, now):
    return {integration: {name: value - before[integration][name] for name, value in counters.items()}
            for integration, counters in now.items()}


def has_names(samples):
    return any(name == "notifications_total" and "receiver_name" in labels for name, labels, _ in samples)


def outcome(change, channels):
    """What the change of the counters says of so many channels: a status, which is empty as long as it is not known,
    and words. notifications_total counts what is tried, whatever becomes of it."""
    requests, broken = change["notification_requests_total"], change["notification_requests_failed_total"]
    given_up = change["notifications_failed_total"]
    if requests - broken >= channels:
        return OK, "arrived"
    if given_up:
        return FAILED, "was refused" + (f" by {given_up:.0f} of {channels} channels" if channels > 1 else "")
    if broken >= REPEATED:
        return FAILED, f"failed {broken:.0f} times, and is sent again"
    return "", ""
