"""Writes some hours of a small data platform as OpenMetrics text, for promtool to make blocks of.

The platform is made up: five machines with containers, five exporters, the targets they probe, two
projects of dbt, three deployments of Airflow, two accounts of Snowflake, four databases with two shops. A
few things go wrong: a disk fills, memory runs short, a container restarts, a target fails, models, tests and
DAGs do, tables are late, and a shop sells little.
"""

import math
import random
from pathlib import Path

import airflow_history
import dbt_history
import monitoring_history
import snowflake_history
import sql_history
from dashboard_project import scrape_intervals

STEP = 30  # seconds between two samples of what rules record
SCRAPES = scrape_intervals(Path(__file__).resolve().parents[3])
OF_JOBS_TO_COME = 60  # seconds between two scrapes
GIB = 2**30
HOSTS = {  # instance: (CPUs, memory in GiB, share of CPU in use, share of memory in use)
    "db1:19100": (16, 64, 0.46, 0.62),
    "db2:19100": (16, 64, 0.31, 0.71),
    "etl1:19100": (32, 128, 0.58, 0.55),
    "web1:19100": (8, 16, 0.22, 0.48),
    "web2:19100": (8, 16, 0.24, 0.86),
}
DISKS = {  # instance: device: (size in GiB, share that is free now, share that went within a day)
    "db1:19100": {"nvme0n1": (930, 0.44, 0.01), "sda": (3600, 0.61, 0.02)},
    "db2:19100": {"nvme0n1": (930, 0.072, 0.35)},
    "etl1:19100": {"nvme0n1": (1800, 0.36, 0.05)},
    "web1:19100": {"vda": (120, 0.58, 0.0)},
    "web2:19100": {"vda": (120, 0.55, 0.0)},
}
CONTAINERS = {  # instance: name: (image, CPUs, memory in MiB, limit in MiB, bit/s)
    "db1:19100": {"postgres": ("postgres:16", 2.4, 12400, 16384, 4.2e7),
                  "pgbouncer": ("pgbouncer:1.23", 0.2, 96, 256, 4.0e7)},
    "etl1:19100": {"airflow-scheduler": ("airflow:2.10", 0.7, 1500, 4096, 3e6),
                   "airflow-worker-1": ("airflow:2.10", 3.8, 5900, 8192, 2.4e7),
                   "airflow-worker-2": ("airflow:2.10", 3.1, 7700, 8192, 1.9e7),
                   "dbt-runner": ("dbt-snowflake:1.9", 0.9, 800, 2048, 6e6)},
    "web1:19100": {"api": ("api:5.2", 0.8, 620, 1024, 1.6e7), "nginx": ("nginx:1.27", 0.1, 40, 0, 2.1e7)},
    "web2:19100": {"api": ("api:5.2", 0.9, 710, 1024, 1.5e7), "nginx": ("nginx:1.27", 0.1, 42, 0, 2e7),
                   "redis": ("redis:7", 0.2, 380, 512, 3e6)},
}  # fmt: skip
TARGETS = {  # target: (seconds, HTTP status, days until its certificate ends)
    "https://account.snowflake.example/": (0.082, 200, 71),
    "https://airflow.example/health": (0.031, 200, 44),
    "https://registry.example/v2/": (0.140, 503, 12),
    "tcp://db1:5432": (0.0012, 0, None),
    "tcp://db2:5432": (0.0016, 0, None),
}
PHASES = {"name_lookup": 0.12, "connect": 0.18, "tls": 0.3, "first_byte": 0.4}
EXPORTERS = {  # (job, instance): source: collector: (interval, seconds, samples)
    ("snowflake", "etl1:19101"): {name: {"warehouses": (60, 0.5, 96), "resource_monitors": (60, 0.4, 10),
                                         "dynamic_tables": (300, 0.7, 26), "tasks": (300, 0.6, 4),
                                         "pipes": (300, 0.4, 2), "replication_groups": (300, 0.4, 9),
                                         "cost": (60, 0.01, 44), "queries": (60, 0.01, 310)}
                                  for name in ("acme", "acme_dev")},
    ("airflow", "etl1:19102"): {name: {"health": (15, 0.03, 8), "dags": (300, 0.32, 26 * dags),
                                       "runs": (30, 0.21, 90 * dags), "pools": (30, 0.06, 24)}
                                for name, dags in (("production", 13), ("staging", 3), ("sandbox", 0))},
    ("dbt", "etl1:19103"): {"shop": {"artifacts": (15, 0.2, 840)},
                            "ledger": {"artifacts": (15, 0.1, 390)}},
    ("sql", "etl1:19104"): {"shop": {"quality": (600, 0.9, 190), "business_sales": (300, 0.4, 16)},
                            "warehouse": {"quality": (600, 1.7, 190)}, "billing": {"replication": (30, 0.02, 9)},
                            "outlet": {"business_sales": (300, 0.2, 8)}},
}  # fmt: skip
HOST_COLLECTORS = {"cpu": 90, "diskstats": 60, "filesystem": 48, "meminfo": 52, "netdev": 64,
                   "netstat": 46, "pressure": 6, "systemd": 380, "container": 420, "vmstat": 7}


class Series:
    """The samples of one series, made by a function of the time; none where that gives None."""

    def __init__(self, name, labels, value, times):
        self.name, self.labels, self.times = name, labels, times
        self.value = value if callable(value) else lambda _: value


def text_of(series):
    of_target = {"environment": "production", **series.labels}
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(of_target.items()))
    return f"{series.name}{{{labels}}}"


class Noise:
    """A value that wanders about 1: a day's wave, shorter ones, and chance."""

    def __init__(self, seed, spread):
        dice = random.Random(seed)
        self.waves = [(dice.uniform(0, 2 * math.pi), period, weight)
                      for period, weight in ((86400, 0.5), (5400, 0.35), (1500, 0.3), (420, 0.2))]
        self.spread, self.seed = spread, seed

    def __call__(self, time):
        wave = sum(weight * math.sin(2 * math.pi * time / period + phase)
                   for phase, period, weight in self.waves)
        chance = random.Random(f"{self.seed}{int(time)}").gauss(0, 0.25)
        return max(0.02, 1 + self.spread * (wave + chance))


class Counter:
    """Adds up a rate from one sample to the next."""

    def __init__(self, rate, start=0.0):
        self.rate, self.total, self.last = rate, start, None

    def __call__(self, time):
        self.total += max(0, self.rate(time)) * (time - (self.last or time))
        self.last = time
        return self.total


class History:
    def __init__(self, start, now):
        self.start, self.now = start, now
        self.series, self.past = [], []

    def add(self, metric, value, /, **labels):
        times = range(self.start, self.now + 1, SCRAPES.get(labels["job"], OF_JOBS_TO_COME))
        self.series.append(Series(metric, labels, value, times))

    def add_at(self, metric, value, times, /, **labels):
        """Of what was before."""
        self.past.append(Series(metric, labels, value, times))

    def count(self, metric, rate, **labels):
        rate = rate if callable(rate) else (lambda _, fixed=rate: fixed)
        self.add(metric, Counter(rate, 1e4 * len(metric)), **labels)

    def write(self, folder):
        """What was before has a file of its own: promtool reads a file again for each two hours of it."""
        for path, series in ((folder / "history.om", self.series), (folder / "past.om", self.past)):
            self.write_file(path, series)
            yield path

    @staticmethod
    def write_file(path, all_series):
        families = {}
        for series in all_series:
            families.setdefault(series.name, []).append(series)
        with open(path, "w") as out:
            for name, members in families.items():
                out.write(f"# TYPE {name} unknown\n")
                for series in members:
                    text = text_of(series)
                    for time in series.times:
                        if (value := series.value(time)) is not None:
                            out.write(f"{text} {value:.10g} {time}\n")
            out.write("# EOF\n")


def host(history, instance):
    cpus, memory, busy, used = HOSTS[instance]
    at = {"job": "host", "instance": instance, "machine": instance.split(":")[0]}
    load, room = Noise(instance, 0.35), Noise(instance + "memory", 0.03)

    def share(time):
        return min(0.97, busy * load(time))

    for cpu in range(cpus):
        for mode, part in (("user", 0.7), ("system", 0.2), ("softirq", 0.03), ("iowait", 0.05)):
            history.count("node_cpu_seconds_total", lambda t, p=part: share(t) * p, cpu=cpu, mode=mode, **at)
        history.count("node_cpu_seconds_total", lambda t: 1 - 0.98 * share(t), cpu=cpu, mode="idle", **at)
    total = memory * GIB
    history.add("node_memory_MemTotal_bytes", total, **at)

    def taken(time):
        grown = 0.2 * (history.now - time) / 21600 if instance == "web2:19100" else 0
        return min(0.97, used * room(time) * (1 - grown))

    history.add("node_memory_MemAvailable_bytes", lambda t: total * (1 - taken(t)), **at)
    history.add("node_memory_MemFree_bytes", lambda t: total * 0.3 * (1 - taken(t)), **at)
    for name, scale in (("node_load1", 1.1), ("node_load5", 1.0)):
        history.add(name, lambda t, s=scale: s * cpus * share(t), **at)
    history.add("node_procs_blocked", lambda t: int(3 * share(t) * load(t)), **at)
    for kind, part in (("cpu", 0.09), ("io", 0.06), ("memory", 0.008)):
        history.count(f"node_pressure_{kind}_waiting_seconds_total",
                      lambda t, p=part: p * share(t) ** 2 * 3, **at)
    for name in ("pswpin", "pswpout"):
        history.count(f"node_vmstat_{name}", lambda t: max(0, used - 0.7) * 90 * load(t), **at)
    history.add("node_vmstat_oom_kill", 0, **at)
    history.add("node_time_seconds", lambda t: t + 0.004, **at)
    history.add("node_os_info", 1, id="debian", version_id="12", **at)
    history.add("node_boot_time_seconds", history.now - 86400 * (9 + 3 * cpus), **at)
    history.add("node_timex_maxerror_seconds", lambda t: 0.02 + 0.004 * load(t), **at)
    history.add("node_timex_sync_status", 1, **at)
    history.add("node_filefd_allocated", lambda t: 2400 * load(t), **at)
    history.add("node_filefd_maximum", 98304, **at)
    network(history, at, load)
    for device, (size, free, gone) in DISKS[instance].items():
        disk(history, at, device, size * GIB, free, gone, share)


def network(history, at, load):
    for direction, rate in (("receive", 2.6e6), ("transmit", 1.9e6)):
        to = dict(at, device="eth0")
        history.count(f"node_network_{direction}_bytes_total", lambda t, r=rate: r * load(t) ** 2, **to)
        history.count(f"node_network_{direction}_packets_total", lambda t, r=rate: r / 900 * load(t), **to)
        history.count(f"node_network_{direction}_errs_total", 0, **to)
        history.count(f"node_network_{direction}_drop_total", lambda t: 0.02 * load(t), **to)
    history.count("node_netstat_Tcp_OutSegs", lambda t: 2100 * load(t), **at)
    history.count("node_netstat_Tcp_RetransSegs", lambda t: 2.4 * load(t) ** 2, **at)


def disk(history, at, device, size, free, gone, share):
    to = dict(at, device=device)
    for direction, moved, speed in (("read", "read", 1.0), ("write", "written", 1.6)):
        history.count(f"node_disk_{moved}_bytes_total", lambda t, s=speed: 3.4e7 * s * share(t), **to)
        history.count(f"node_disk_{direction}s_completed_total", lambda t, s=speed: 820 * s * share(t), **to)
        history.count(f"node_disk_{direction}_time_seconds_total",
                      lambda t, s=speed: 0.5 * s * share(t) ** 2, **to)
    history.count("node_disk_io_time_seconds_total", lambda t: min(1, 0.9 * share(t)), **to)
    history.count("node_disk_io_time_weighted_seconds_total", lambda t: 2.2 * share(t) ** 2, **to)
    on = dict(at, device=f"/dev/{device}1" if device == "sda" else f"/dev/{device}p1", fstype="ext4",
              mountpoint="/" if device != "sda" else "/archive")

    def available(time):
        return size * min(1, free + gone * (history.now - time) / 86400)

    history.add("node_filesystem_size_bytes", size, **on)
    history.add("node_filesystem_avail_bytes", available, **on)
    history.add("node_filesystem_files", 6e7, **on)
    history.add("node_filesystem_files_free", 5.2e7, **on)
    history.add("node_filesystem_readonly", 0, **on)
    history.add("node_filesystem_device_error", 0, **on)


def container(history, instance, name):
    image = CONTAINERS[instance][name][0]
    at = {"job": "host", "instance": instance, "machine": instance.split(":")[0], "name": name,
          "image": image, "id": f"/docker/{random.Random(name + instance).getrandbits(256):064x}"}
    stopped = name == "dbt-runner"
    falls = [history.now - 9000, history.now - 4100, history.now - 700] if name == "airflow-worker-2" else []
    if not stopped:
        usage(history, at, CONTAINERS[instance][name], falls)
    history.add("container_restarts_total", lambda t: sum(t >= fall for fall in falls), **at)
    history.add("container_oom_events_total", lambda t: sum(t >= fall for fall in falls), **at)
    if stopped:
        history.add("container_exit_code", 0, **at)
    history.add("container_creation_time_seconds", history.now - 86400 * 4, **at)
    history.add("container_started_time_seconds", history.now - 86400 * 4, **at)
    for state in ("created", "running", "paused", "restarting", "removing", "exited", "dead"):
        history.add("container_state", int(state == ("exited" if stopped else "running")), state=state, **at)
    if stopped or name == "nginx":
        return
    for status in ("starting", "healthy", "unhealthy"):
        current = "unhealthy" if name == "redis" else "healthy"
        history.add("container_health_status", int(status == current), status=status, **at)


def usage(history, at, size, falls):
    _, cpus, memory, limit, traffic = size
    load, mib = Noise(at["name"] + at["instance"], 0.4), 2**20
    history.count("container_cpu_usage_seconds_total", lambda t: cpus * load(t), cpu="total", **at)
    history.count("container_cpu_cfs_periods_total", 10, **at)
    history.count("container_cpu_cfs_throttled_periods_total", lambda t: max(0, load(t) - 1.1) * 6, **at)
    history.add("container_memory_working_set_bytes",
                lambda t: memory * mib * (0.9 + 0.1 * load(t)) * rising(t, falls), **at)
    history.add("container_spec_memory_limit_bytes", limit * mib, **at)
    for direction, part in (("receive", 0.6), ("transmit", 0.4)):
        history.count(f"container_network_{direction}_bytes_total",
                      lambda t, p=part: traffic / 8 * p * load(t), interface="eth0", **at)
    history.add("container_fs_usage_bytes", lambda t: memory * mib * (2 + (t - history.start) / 1e5),
                device="/dev/sda", **at)
    for direction, part in (("reads", 0.7), ("writes", 1.1)):
        history.count(f"container_fs_{direction}_bytes_total",
                      lambda t, p=part: 4e6 * p * cpus * load(t), device="/dev/sda", **at)


def rising(time, falls):
    """From half to all of the memory, from one fall to the next."""
    if not falls:
        return 1.0
    last = max([fall for fall in falls if fall <= time], default=falls[0] - 5000)
    return min(1.0, 0.5 + 0.5 * (time - last) / 4500)


def probe(history, target):
    seconds, status, days = TARGETS[target]
    at = {"job": "host", "instance": "etl1:19100", "machine": "etl1", "target": target}
    load = Noise(target, 0.25)
    broken = status >= 500
    history.add("probe_success", lambda t: int(not broken or t < history.now - 1500), **at)
    for reason in ("dns", "connect", "tls", "reply", "status", "timeout"):
        history.add("probe_failure_reason",
                    lambda t, r=reason: int(broken and r == "status" and t >= history.now - 1500),
                    reason=reason, **at)
    history.add("probe_duration_seconds", lambda t: seconds * load(t), **at)
    for phase, part in PHASES.items():
        if status or phase in ("name_lookup", "connect"):
            history.add("probe_phase_duration_seconds", lambda t, p=part: seconds * p * load(t),
                        phase=phase, **at)
    if status:
        history.add("probe_http_status_code", lambda t: status if t >= history.now - 1500 else 200, **at)
        history.add("probe_ssl_earliest_cert_expiry", history.now + 86400 * days, **at)


def exporter(history, job, instance, sources):
    """`sources` as in EXPORTERS; the name of a machine's own is empty."""
    collectors = {(source, name): cost for source, costs in sources.items() for name, cost in costs.items()}
    at = {"job": job, "instance": instance, "machine": instance.split(":")[0]}
    load = Noise(job + instance, 0.2)
    history.add("up", 1, **at)
    history.add("scrape_duration_seconds", lambda t: 0.004 * load(t) * (1 + len(collectors) / 4), **at)
    history.add("scrape_samples_scraped", sum(samples for _, _, samples in collectors.values()) + 60, **at)
    history.add("exporter_build_info", 1, exporter=f"{job}_exporter", version="0.1.0",
                revision="0123456789", **at)
    history.add("exporter_config_last_reload_successful", 1, **at)
    history.count("process_cpu_seconds_total", lambda t: 0.0006 * load(t) * len(collectors), **at)
    history.add("process_resident_memory_bytes", lambda t: (11 + len(collectors)) * 1e6, **at)
    history.add("process_start_time_seconds", history.now - 86400 * 6, **at)
    for (source, name), (interval, seconds, samples) in collectors.items():
        to = dict(at, collector=name, **({"source": source} if source else {}))
        history.add("exporter_collector_success",
                    lambda t, s=source, n=name: int(not is_refused(t, history.now, s, n)), **to)
        history.add("exporter_collector_duration_seconds", lambda t, s=seconds: s * load(t), **to)
        history.add("exporter_collector_samples", samples, **to)
        history.add("exporter_collector_dropped_series", 0, **to)
        history.add("exporter_collector_duplicate_samples", 0, **to)
        history.add("exporter_collector_last_success_timestamp_seconds",
                    lambda t, i=interval, s=source, n=name: last_success(t, history.now, i, s, n), **to)
        if interval:
            history.add("exporter_collector_interval_seconds", interval, **to)
            history.count("exporter_collector_failures_total",
                          lambda t, s=source, n=name: failure(t, history.now, s, n), reason="timeout", **to)
    if job != "host":
        for name in sources if job == "airflow" else [job]:
            upstream(history, at, job, name, load)


def is_refused(time, now, source, name):
    """The right to read pools was taken from the exporter, in one deployment."""
    return (source, name) == ("sandbox", "pools") and time > now - 5000


def last_success(time, now, interval, source, name):
    success = time - (time % interval if interval else 0.2)
    return min(success, now - 5000) if is_refused(time, now, source, name) else success


def failure(time, now, source, name):
    """The rate of failures of a collector: one of them failed now and then, two hours ago."""
    return 1 / 90 if (source, name) == ("acme", "queries") and now - 8400 < time < now - 7200 else 0


def upstream(history, at, job, name, load):
    seconds = {"snowflake": 0.62, "airflow": 0.05, "dbt": 0.11, "sql": 0.02}[job]
    for code, rate in (("200", 0.9), ("429", 0.01)):
        history.count("exporter_upstream_requests_total", lambda t, r=rate: r * load(t), upstream=name,
                      code=code, **at)
    for phase, part in {**PHASES, "total": 1.0}.items():
        to = dict(at, upstream=name, phase=phase)
        for bound in (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, math.inf):
            below = 1 - math.exp(-((bound / (seconds * part)) ** 1.4))
            history.count("exporter_upstream_request_duration_seconds_bucket",
                          lambda t, b=below: 0.9 * b * load(t),
                          le="+Inf" if bound == math.inf else str(bound), **to)
        history.count("exporter_upstream_request_duration_seconds_count", lambda t: 0.9 * load(t), **to)
        history.count("exporter_upstream_request_duration_seconds_sum",
                      lambda t, p=part: 0.9 * seconds * p * load(t), **to)


def write(folder, hours, now):
    """Writes the hours before now; the paths of the files."""
    history = History(now - hours * 3600, now)
    for instance in HOSTS:
        host(history, instance)
        exporter(history, "host", instance,
                 {"": {name: (0, samples / 90000, samples) for name, samples in HOST_COLLECTORS.items()}})
        for name in CONTAINERS.get(instance, {}):
            container(history, instance, name)
    for target in TARGETS:
        probe(history, target)
    for (job, instance), sources in EXPORTERS.items():
        exporter(history, job, instance, sources)
    airflow_history.write(history, {"job": "airflow", "instance": "etl1:19102", "machine": "etl1"})
    dbt_history.write(history, {"job": "dbt", "instance": "etl1:19103", "machine": "etl1"})
    snowflake_history.write(history, {"job": "snowflake", "instance": "etl1:19101", "machine": "etl1"})
    sql_history.write(history, {"job": "sql", "instance": "etl1:19104", "machine": "etl1"})
    monitoring_history.write(history)
    return list(history.write(folder))
