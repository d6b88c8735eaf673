"""Sends a test alert through each receiver in turn, and finds its result in Alertmanager's counters."""

import datetime
import json
import secrets
import time

from alertmanager import counters_of, matchers_of
from report import FAILED, OK, WARNING, version_of

LABEL = "doctor"  # its value identifies the run; its route is in alertmanager.yml
LASTS = 60  # seconds until the alert ends
REPEATED = 3  # failed requests after which a retried notification counts as failed
POLL = 0.1
WITH_NAMES = (0, 27)  # since when counters may have the names of receivers
GONE_ON = "Alertmanager retries for a minute; its log has the error (Notify for alerts failed)"
LOG = "check the secret, the address and the permission to post; Alertmanager logs the error (Notify for alerts failed)"


def find_route(config):
    """The receivers below the route for test alerts; None if there is no such route."""
    for route in config["route"].get("routes") or []:
        if any(name == LABEL for name, _, _ in matchers_of(route, "matchers")):
            return {child.get("receiver") for child in route.get("routes") or []
                    if ("receiver", "=", child.get("receiver")) in matchers_of(child, "matchers")}
    return None


def route_for(receivers, fallback):
    """The route for test alerts to these receivers, as an entry of a YAML list."""
    children = [f"    {{matchers: [{quoted(f'receiver={json.dumps(name, ensure_ascii=False)}')}], receiver: {quoted(name)}}}"
                for name, channels in receivers.items() if channels]
    test_alerts = f'{LABEL}=~".+"'
    return (f"- {{matchers: [{quoted(test_alerts)}], receiver: {quoted(fallback)}, group_by: ['...'], group_wait: 0s,"
            " group_interval: 1m, routes: [\n" + ",\n".join(children) + "]}")


def quoted(text):
    """A scalar of YAML."""
    return "'" + text.replace("'", "''") + "'"


def send_to_all(report, alertmanager, only, wait):
    """Sends to the receivers in `only`, or to all."""
    routed = find_route(alertmanager.config)
    if routed is None:
        report.add(FAILED, "test alerts", f"not sent: no route matches the label {LABEL}",
                   "add this to Alertmanager's configuration as the first entry of `routes` below `route`, and reload it:\n"
                   + route_for(alertmanager.receivers, alertmanager.config["route"]["receiver"]))
        return
    unknown = [name for name in only if name not in alertmanager.receivers]
    if unknown:
        report.add(FAILED, "test alerts", f"no such receiver: {', '.join(unknown)}",
                   f"use one of {', '.join(alertmanager.receivers)}")
    check_counters(report, alertmanager)
    run, retried = secrets.token_hex(4), set()
    for name, channels in alertmanager.receivers.items():
        if only and name not in only:
            continue
        check = f"test alert to {name}"
        if not channels:
            report.add(OK, check, "not sent: it has no channel")
        elif name not in routed:
            report.add(FAILED, check, "not sent: the route for test alerts does not lead to it",
                       f"add to that route {{matchers: [receiver=\"{name}\"], receiver: {name}}}")
        else:
            Delivery(alertmanager, name, run, retried).judge(report, check, wait)


def check_counters(report, alertmanager):
    if has_names(alertmanager.metrics()):
        report.add(OK, "test alerts", "results are from the counters of each receiver")
        return
    status = WARNING if version_of(alertmanager.version) >= WITH_NAMES else OK
    report.add(status, "test alerts", "results are from the counters of each integration, which include other alerts sent"
               " at the same time", "start Alertmanager with --enable-feature=receiver-name-in-metrics")


def alert_of(name, run, now):
    ends = now + datetime.timedelta(seconds=LASTS)
    return {
        "labels": {"alertname": "DoctorTest", LABEL: run, "receiver": name, "severity": "test"},
        "annotations": {
            "summary": "Test alert. Nothing is wrong.",
            "description": f"deploy/doctor --send sent this to the receiver {name} at {now:%H:%M:%S} UTC (run {run})."
                           " It resolves within minutes.",
        },
        "startsAt": now.isoformat(), "endsAt": ends.isoformat(),
    }  # fmt: skip


class Delivery:
    """One test alert. `retried` has the integrations that still retry a failed alert: if counters lack the names of
    receivers, its requests cannot be distinguished from others."""

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
        """The result; None while it is unknown."""
        status, found = outcome(change, self.channels[integration])
        if not status or (status == FAILED and integration in self.retried):
            return None
        is_retried = status == FAILED and not change["notifications_failed_total"]
        if is_retried and not has_names(samples):
            self.retried.add(integration)
        return status, found, GONE_ON if is_retried else LOG

    def no_answer(self, integration, change, wait):
        if integration in self.retried:
            return (FAILED, f"has an unknown result: an earlier alert by {integration} is still being retried",
                    f"run --send --receiver {self.name} in a minute")
        if reason := self.held_by():
            return WARNING, f"was not sent: {reason}", "wait until that ends, and try again"
        if change["notifications_total"]:
            return FAILED, f"has no response after {wait:g} s", "can Alertmanager reach the address, and is it right?"
        return (FAILED, f"was not sent within {wait:g} s",
                "Alertmanager may delay it after a start (--dispatch.start-delay), or leave it to a cluster member")

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
    """The result for that many channels, from the change of the counters: a status, empty while it is unknown, and a
    text. notifications_total counts attempts, whether they succeed or not."""
    requests, broken = change["notification_requests_total"], change["notification_requests_failed_total"]
    given_up = change["notifications_failed_total"]
    if requests - broken >= channels:
        return OK, "arrived"
    if given_up:
        return FAILED, "was rejected" + (f" by {given_up:.0f} of {channels} channels" if channels > 1 else "")
    if broken >= REPEATED:
        return FAILED, f"failed {broken:.0f} times and is being retried"
    return "", ""
