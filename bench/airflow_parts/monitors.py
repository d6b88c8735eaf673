"""The three monitors of the deployment, and what their pages count."""

import contextlib
import http.client
import pathlib
import re
import signal
import subprocess
import time

from measure import BIN, PLAIN, Series, free_port
from processes import Process, wait_until

HERE = pathlib.Path(__file__).resolve().parent
BOUND = 900
LINE = re.compile(rb'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$', re.M)
LABEL = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')


class Page:
    """A page in the text format."""

    def __init__(self, text, seconds):
        self.text, self.seconds = text, seconds

    def series(self, kind=b"airflow_"):
        """The number of series, without those about processes and collectors."""
        return sum(name.startswith(kind) for name, _, _ in LINE.findall(self.text))

    def sum(self, pattern, **labels):
        """The sum of the samples whose whole name matches and whose labels have these values."""
        total = 0
        for name, text, value in LINE.findall(self.text):
            if not re.fullmatch(pattern, name.decode()):
                continue
            found = dict(LABEL.findall(text))
            if all(found.get(key.encode()) == value_.encode() for key, value_ in labels.items()):
                total += float(value)
        return total


class Monitor:
    """A server with a page at a port."""

    path, process = "/metrics", None

    def get(self, headers=PLAIN):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND)
        with contextlib.closing(connection):
            begin = time.monotonic()
            connection.request("GET", self.path, headers=headers)
            reply = connection.getresponse()
            text = reply.read()
        if reply.status != 200:
            raise SystemExit(f"{self.name} answered {reply.status}")
        return Page(text, time.monotonic() - begin)

    def try_get(self):
        try:
            return self.get()
        except OSError:
            self.process.check_running()
            return None

    def kill(self):
        self.process.stop(signal.SIGKILL)

    def scrapes(self, headers, requests):
        """Measures its CPU and its latencies."""
        series = Series()
        series.run(ServerOf(self), headers, requests)
        return series


class Exporter(Monitor):
    """airflow_exporter with its defaults."""

    name = "airflow_exporter"

    def __init__(self, deployment, top):
        self.deployment, self.top, self.port = deployment, top, free_port()
        (top / "state").mkdir()

    def start(self):
        self.process = Process(
            [BIN / "airflow_exporter", f"--web.listen-address=127.0.0.1:{self.port}",
             f"--deployment.url={self.deployment.url('exporter')}", "--deployment.username=exporter",
             f"--deployment.password-file={self.deployment.password_file}", f"--state.dir={self.top / 'state'}"],
            self.top / "airflow_exporter.log")  # fmt: skip
        wait_until(self.try_get, "airflow_exporter answers", BOUND)

    def is_whole(self, dags):
        """The page, if it has or counts as hidden each DAG, and has the results before its start; otherwise None."""
        page = self.get()
        seen = page.sum("airflow_dag_info") + page.sum("airflow_dags_hidden")
        return page if seen >= dags and page.sum("airflow_runs_read_timestamp_seconds") else None

    def has_read(self, end):
        """The page, if it counts everything that ended before `end`, in seconds since 1970; otherwise None."""
        page = self.get()
        read = page.sum("airflow_runs_read_timestamp_seconds") > end
        return page if read and not page.sum("airflow_unread_runs") else None

    def requests(self):
        return self.get().sum("exporter_upstream_requests_total")

    def runs(self, page, state):
        return page.sum("airflow_dag_runs_total", state=state)

    def tries(self, page, state):
        return page.sum("airflow_task_tries_total", state=state)

    def last_states(self, page):
        return page.sum("airflow_dag_last_run_state")


class ServerOf:
    """A monitor as a server for measure.Series."""

    def __init__(self, monitor):
        self.name, self.port, self.path = monitor.name, monitor.port, monitor.path
        self.pid = monitor.process.child.pid

    def cpu_seconds(self):
        return time.clock_gettime((~self.pid << 3) | 2)


class StatsD(Monitor):
    """statsd_exporter with the mappings of Airflow's chart, to which Airflow sends its metrics."""

    name = "StatsD"

    def __init__(self, binary, top):
        self.binary, self.top = binary, top
        self.port, self.udp_port = free_port(), free_port()

    def start(self):
        self.process = Process(
            [self.binary, f"--web.listen-address=127.0.0.1:{self.port}", "--statsd.listen-tcp=",
             f"--statsd.listen-udp=127.0.0.1:{self.udp_port}", f"--statsd.mapping-config={HERE}/statsd.yml"],
            self.top / "statsd_exporter.log")  # fmt: skip
        wait_until(self.try_get, "statsd_exporter answers", BOUND)

    def packets(self):
        return self.get().sum("statsd_exporter_udp_packets_total")

    def runs(self, page, state):
        return page.sum({"success": "airflow_dagrun_duration_count", "failed": "airflow_dagrun_failed_count"}[state])

    def tries(self, page, state):
        """The names of the DAG and of the task are part of the metric's name."""
        return page.sum(f"airflow_ti_finish_.*_{state}")

    def last_states(self, _):
        return 0


class Plugin(Monitor):
    """The page that the plugin adds to Airflow's API server."""

    name, path = "plugin", "/admin/metrics/"

    def __init__(self, deployment):
        self.deployment, self.port = deployment, deployment.ports["plugin"]

    def runs(self, page, state):
        return page.sum("airflow_dag_status", status=state)

    def tries(self, page, state):
        return page.sum("airflow_task_status", status=state)

    def last_states(self, page):
        return page.sum("airflow_dag_last_status")


SEND = """
import time
from airflow.observability.metrics import stats_utils
from airflow.observability.stats import incr, initialize
initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=True)
begin = time.process_time()
for _ in range(20000):
    incr("bench.of.one.datagram")
print((time.process_time() - begin) / 20000)
"""


def seconds_a_datagram(deployment, port):
    """The CPU seconds that Airflow spends on sending a datagram, to a port on which nothing listens."""
    environment = {**deployment.environment_of("airflow"), "AIRFLOW__METRICS__STATSD_PORT": str(port)}
    done = subprocess.run([deployment.programs / "python", "-c", SEND], env=environment, timeout=BOUND,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"Stats: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])

