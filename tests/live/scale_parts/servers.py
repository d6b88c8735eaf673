"""The servers of tests/live/scale: an exporter, agents, a store, what evaluates the rules there, and a receiver."""

import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tests/e2e")]
from support import START, Process, free_port  # noqa: E402

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def poll(condition, what):
    """Calls condition() until it returns something true, and returns that. It pauses, because each call is
    a request."""
    end = time.monotonic() + START
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"gave up waiting: {what}")
        time.sleep(0.2)
    return result


def get(url, **parameters):
    """The text of the reply; None if there is none yet."""
    query = f"?{urllib.parse.urlencode(parameters, doseq=True)}" if parameters else ""
    try:
        with OPENER.open(url + query, timeout=30) as reply:
            return reply.read().decode()
    except (OSError, urllib.error.URLError):
        return None


class Receiver:
    """Replaces Alertmanager, and keeps the last state of each alert."""

    def __init__(self, stack):
        self.alerts, self._lock = {}, threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.port = free_port()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        self.url = f"http://127.0.0.1:{self.port}"

    def take(self, alerts):
        with self._lock:
            for alert in alerts:
                labels = alert["labels"]
                self.alerts[tuple(labels.get(name, "") for name in ("alertname", "shard", "replica"))] = alert

    def firing(self, name):
        """The shards and replicas for which the alert fires."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        with self._lock:
            return [key[1:] for key, alert in self.alerts.items() if key[0] == name and alert["endsAt"][:19] > now]


class Server:
    """A process with a port, which can be stopped and started again."""

    def __init__(self, stack, *command, port):
        self.command, self.port, self.process, self._stack = command, port, None, stack
        self.url = f"http://127.0.0.1:{port}"
        self.start()

    def start(self):
        self.process = self._stack.enter_context(Process([str(word) for word in self.command]))

    def stop(self):
        self.process.stop()

    def get(self, path, **parameters):
        """The text of the reply; None if there is none yet. Fails if the process has ended."""
        if self.process.child.poll() is not None:
            raise AssertionError(f"{self.command[0]} has ended:\n" + "\n".join(self.process.log()[-10:]))
        return get(self.url + path, **parameters)

    def resident(self):
        """The resident memory in MB."""
        status = pathlib.Path(f"/proc/{self.process.child.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


class Store(Server):
    """VictoriaMetrics. Of the samples that replicas write within a second, it keeps one."""

    def __init__(self, stack, programs, folder):
        port = free_port()
        super().__init__(stack, programs / "victoria-metrics", f"-httpListenAddr=127.0.0.1:{port}",
                         f"-storageDataPath={folder}/store", "-dedup.minScrapeInterval=1s", "-memory.allowedBytes=128MB",
                         "-search.latencyOffset=1s", "-search.maxQueueDuration=5m", "-search.maxQueryDuration=5m",
                         "-retentionPeriod=1d", "-loggerLevel=WARN", port=port)

    def ask(self, query):
        """The results of an instant query as labels and value."""
        reply = self.get("/api/v1/query", query=query)
        found = json.loads(reply)["data"]["result"] if reply else []
        return [(each["metric"], float(each["value"][1])) for each in found]

    def times(self, series, begin, end):
        """The times of the samples of each series between `begin` and `end`."""
        reply = self.get("/api/v1/export", **{"match[]": series, "start": begin, "end": end})
        rows = map(json.loads, (reply or "").splitlines())
        return {row["metric"]["instance"]: [each / 1000 for each in row["timestamps"]] for row in rows}


class Agent(Server):
    """Prometheus in agent mode."""

    def __init__(self, stack, config, folder):
        port = free_port()
        config.write_text(config.read_text().replace("127.0.0.1:9090", f"127.0.0.1:{port}"))
        super().__init__(stack, "prometheus", "--enable-feature=agent", f"--config.file={config}",
                         f"--storage.agent.path={folder}/{config.stem}", f"--web.listen-address=127.0.0.1:{port}",
                         "--log.level=warn", port=port)

    def targets(self):
        """The addresses that it scrapes in the job host."""
        reply = self.get("/api/v1/targets", state="active")
        found = json.loads(reply)["data"]["activeTargets"] if reply else []
        return {each["discoveredLabels"]["__address__"] for each in found if each["labels"]["job"] == "host"}

    def appended(self):
        """The number of samples that it has written to its WAL."""
        lines = (self.get("/metrics") or "").splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("prometheus_agent_samples_appended_total"))


class Rules(Server):
    """vmalert."""

    def __init__(self, stack, programs, store, receiver, files):
        port = free_port()
        super().__init__(stack, programs / "vmalert", *(f"-rule={file}" for file in files),
                         f"-datasource.url={store.url}", f"-remoteWrite.url={store.url}", f"-remoteRead.url={store.url}",
                         f"-notifier.url={receiver.url}", f"-httpListenAddr=127.0.0.1:{port}", "-evaluationInterval=15s",
                         "-rule.evalDelay=1s", "-loggerLevel=WARN", port=port)

    def groups(self):
        reply = self.get("/api/v1/rules")
        return json.loads(reply)["data"]["groups"] if reply else []


def programs():
    """The directory of VictoriaMetrics's programs, downloaded unless they exist."""
    path = subprocess.run([ROOT / "tests/support/debian_suite", "trixie", "victoria-metrics"], stdout=subprocess.PIPE, text=True, timeout=900,
                          check=True).stdout.strip()
    return pathlib.Path(path) / "usr/bin"


__all__ = ["Agent", "Process", "ROOT", "Receiver", "Rules", "Server", "Store", "free_port", "poll", "programs"]
