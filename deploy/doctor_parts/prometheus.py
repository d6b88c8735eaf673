"""Checks Prometheus: its targets, rules and retention."""

import collections
import datetime
import math
import re
import socket
import ssl
import time
import urllib.parse

import yaml
from report import FAILED, OK, WARNING, Failed, check_clock, check_version, shown

OLDEST = "2.42.0"
EXPORTERS = ("host", "dbt", "airflow", "snowflake", "sql")
OF_EXPORTERS = f'job=~"{"|".join(EXPORTERS)}"'
OF_MONITORING = ("exporter-health", "monitoring")  # groups of alerts about the monitoring itself
NOT_A_FAULT = ("Watchdog", "InfoInhibitor")
DAY = 86400
CERTIFICATE_SECONDS, CERTIFICATE_WARNING_SECONDS = 3 * DAY, 21 * DAY  # left
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": DAY, "w": 7 * DAY, "y": 365 * DAY}
DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
WINDOW = re.compile(rf"\[({DURATION})(?::[^\]]*)?\](?:\s*offset\s+({DURATION}))?|offset\s+({DURATION})")
# The validity of a certificate: the only two consecutive times in it.
VALIDITY = re.compile(rb"\x30.(?:\x17\x0d|\x18\x0f)(\d{12,14})Z(?:\x17\x0d|\x18\x0f)(\d{12,14})Z", re.S)


def check_prometheus(report, prometheus, root):
    """Runs all checks; raises Failed if Prometheus does not answer."""
    check_version(report, "Prometheus", prometheus.api("status/buildinfo")["version"], OLDEST)
    runtime = prometheus.api("status/runtimeinfo")
    report.judge("Prometheus configuration", [] if runtime["reloadConfigSuccess"] else ["the last reload failed"],
                 "loaded", "promtool check config FILE; then reload")
    check_targets(report, prometheus)
    check_exporters(report, prometheus)
    check_certificates(report, prometheus)
    check_clock(report, prometheus)
    check_clocks_of_hosts(report, prometheus)
    groups = prometheus.api("rules")["groups"]
    check_rules(report, groups, root)
    check_retention(report, runtime["storageRetention"], groups)
    check_firing(report, groups)


# -- targets


def check_targets(report, prometheus):
    jobs = collections.defaultdict(list)
    for target in prometheus.api("targets?state=active")["activeTargets"]:
        jobs[target["labels"].get("job")].append(target)
    for job, targets in sorted(jobs.items()):
        down = [f"{target['labels'].get('instance')}: {target['lastError']}" for target in targets
                if target["health"] == "down"]
        new = sum(target["health"] == "unknown" for target in targets)
        if new and not down:
            report.add(WARNING, f"targets of {job}", f"{new} of {len(targets)} not scraped yet", "try again in a minute")
        else:
            report.judge(f"targets of {job}", down, f"{len(targets)} up",
                         "start it, or remove it from prometheus/targets/; docs/troubleshooting.md")
    without = [job for job in EXPORTERS if job not in jobs]
    configured = yaml.safe_load(prometheus.api("status/config")["yaml"]).get("scrape_configs") or []
    unknown = set(without) - {job["job_name"] for job in configured}
    words = [f"{job} (Prometheus has no such job)" if job in unknown else job for job in without]
    status = FAILED if len(without) == len(EXPORTERS) else OK
    report.add(status, "jobs without targets", ", ".join(words) or "none",
               "add an exporter to prometheus/targets/, as in dbt_local.yml; the job must have the name above")


def check_exporters(report, prometheus):
    others = prometheus.query(f"up{{{OF_EXPORTERS}}} == 1 unless on (job, instance) exporter_build_info")
    words = [f"{place(labels)} is not an exporter of this project" for labels, _ in others]
    report.judge("exporters", words, "all targets of their jobs are exporters",
                 "correct the address in prometheus/targets/")
    failing = prometheus.query("exporter_collector_success == 0")
    report.judge("collectors", [f"{of_source(labels)} of {place(labels)}" for labels, _ in failing], "none fails",
                 "open http://HOST:PORT/ of the exporter, which shows the errors")
    builds = prometheus.query("count by (version, revision) (exporter_build_info)")
    words = [f"{labels.get('version')} {labels.get('revision', '')}".strip() for labels, _ in builds]
    report.judge("exporter versions", words if len(words) > 1 else [], words[0] if words else "none is scraped",
                 "update the older ones", WARNING)


def place(labels):
    return f"{labels.get('job')} at {labels.get('instance')}"


def of_source(labels):
    return labels.get("collector", "") + (f" for {labels['source']}" if labels.get("source") else "")


# -- certificates and clocks


def check_certificates(report, prometheus):
    left = [(f"{labels.get('target')} (probe of {labels.get('instance')})", seconds)
            for labels, seconds in prometheus.query("probe_ssl_earliest_cert_expiry - time()")]
    unread = []
    addresses = {target["scrapeUrl"] for target in prometheus.api("targets?state=active")["activeTargets"]}
    for url in sorted({*addresses, prometheus.url}):
        if url.startswith("https:"):
            address = urllib.parse.urlsplit(url)
            try:
                expires = expiry(address.hostname, address.port or 443)
                left.append((address.netloc, expires - time.time()))
            except (OSError, Failed) as error:
                unread.append(f"{address.netloc}: {error}")
    add_certificates(report, left, unread)


def add_certificates(report, left, unread):
    soon = {name: seconds for name, seconds in left if seconds < CERTIFICATE_WARNING_SECONDS}
    words = [f"{name} expires in {seconds / DAY:.0f} days" if seconds > 0 else f"{name} has expired"
             for name, seconds in soon.items()]
    status = FAILED if min(soon.values(), default=CERTIFICATE_SECONDS) < CERTIFICATE_SECONDS else WARNING
    report.judge("certificates", words, f"{len(left)} seen, none expires within {CERTIFICATE_WARNING_SECONDS // DAY} days",
                 "renew them; exporters reload theirs automatically", status)
    if unread:
        report.add(WARNING, "certificates", f"cannot be read from this machine: {shown(unread)}",
                   "run the doctor on Prometheus's machine")


def expiry(host, port):
    """When the certificate of a server expires, in seconds since 1970; the issuer does not matter."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (socket.create_connection((host, port), timeout=10) as plain,
          context.wrap_socket(plain, server_hostname=host) as tls):
        return expiry_of(tls.getpeercert(binary_form=True))


def expiry_of(certificate):
    found = VALIDITY.search(certificate)
    if not found:
        raise Failed("the certificate has no expiry time")
    text = found[2].decode()
    if len(text) == 12:  # two-digit years from 50 on are in the 20th century
        text = ("19" if text[:2] >= "50" else "20") + text
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=datetime.timezone.utc).timestamp()


def check_clocks_of_hosts(report, prometheus):
    skewed = prometheus.query("abs(node_time_seconds - timestamp(node_time_seconds)) > 1")
    unsynchronised = prometheus.query("node_timex_sync_status == 0 and node_timex_maxerror_seconds >= 16")
    databases = prometheus.query("abs(sql_quality_clock_difference_seconds) > 60")
    problems = [f"{labels.get('instance')} is {seconds:.1f} s off Prometheus's clock" for labels, seconds in skewed]
    problems += [f"{labels.get('instance')} is not synchronised" for labels, _ in unsynchronised]
    problems += [f"the database {labels.get('source')} is {seconds:.0f} s off" for labels, seconds in databases]
    report.judge("clocks of hosts", problems, "agree with Prometheus's clock", "docs/runbooks/HostClockSkew.md", WARNING)


# -- rules


def check_rules(report, groups, root):
    running = {group["name"]: group for group in groups}
    shipped = shipped_groups(root)
    problems = [f"group {name} {difference(running.get(name), rules)}" for name, rules in shipped.items()
                if names_of(running.get(name)) != rules]
    report.judge("rules loaded", problems, f"{len(shipped)} groups with {sum(map(len, shipped.values()))} rules",
                 "rule_files in prometheus.yml must include this version's prometheus/rules/*.yml and alerts/*.yml; reload")
    failing = [f"{rule['name']}: {rule['lastError']}" for group in groups for rule in group["rules"] if rule.get("lastError")]
    report.judge("rule evaluation", failing, "no rule fails", "docs/runbooks/PrometheusRulesFailing.md")
    slow = [f"{group['name']} takes {group['evaluationTime']:.0f} s of {group['interval']:.0f} s" for group in groups
            if group.get("evaluationTime", 0) > group["interval"]]
    report.judge("rule speed", slow, "each group takes less than its interval", "docs/sizing.md", WARNING)


def shipped_groups(root):
    """The names of the rules of each group."""
    files = [*sorted(root.glob("prometheus/rules/*.yml")), *sorted(root.glob("alerts/*.yml"))]
    groups = [group for path in files for group in yaml.load(path.read_text(), yaml.CSafeLoader)["groups"]]
    return {group["name"]: [rule.get("alert") or rule["record"] for rule in group["rules"]] for group in groups}


def names_of(group):
    return group and [rule["name"] for rule in group["rules"]]


def difference(group, rules):
    if not group:
        return "is not loaded"
    missing = [name for name in rules if name not in names_of(group)]
    return f"lacks {shown(missing)}" if missing else f"has {len(group['rules'])} rules, not {len(rules)}"


def check_firing(report, groups):
    """Checks the alerts about the monitoring itself, and the one that must always fire."""
    firing = collections.Counter((rule["name"], rule["labels"].get("severity")) for group in groups
                                 if group["name"] in OF_MONITORING for rule in group["rules"]
                                 for alert in rule.get("alerts", ()) if alert["state"] == "firing")
    faults = {key: count for key, count in firing.items() if key[0] not in NOT_A_FAULT}
    status = FAILED if any(severity == "critical" for _, severity in faults) else WARNING
    report.judge("alerts on monitoring", [f"{name} ({count})" for (name, _), count in faults.items()], "none fires",
                 "see their pages in docs/runbooks/", status)
    has_watchdog = any(name == "Watchdog" for name, _ in firing)
    report.judge("Watchdog", [] if has_watchdog else ["does not fire"], "fires, as it always must",
                 "wait for the first evaluation of the rules, or load alerts/exporter_health_alerts.yml")


# -- retention


def seconds_of(duration):
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def window_of(expression):
    """How far an expression looks back, in seconds."""
    return max((seconds_of(first or "") + seconds_of(second or "") + seconds_of(third or "")
                for first, second, third in WINDOW.findall(expression)), default=0)


def check_retention(report, kept, groups):
    """`kept` is in Prometheus's form: a time, a size, or "time or size"."""
    limit = seconds_of(kept.partition(" or ")[0]) or math.inf
    windows = {rule["name"]: window_of(rule["query"]) for group in groups for rule in group["rules"]}
    short = sorted((name for name, seconds in windows.items() if seconds > limit), key=windows.get, reverse=True)
    longest = max(windows.values(), default=0) / DAY
    report.judge("retention", short and [f"{kept}, but {len(short)} rules look back further: {shown(short)}"],
                 f"{kept}; rules look back {longest:.0f} days",
                 f"start Prometheus with --storage.tsdb.retention.time={longest + 1:.0f}d or more (docs/sizing.md)", WARNING)
