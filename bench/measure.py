"""Shared by the benchmarks: servers under test, scrapes of them, and tables of results."""

import contextlib
import http.client
import os
import pathlib
import platform
import re
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/support"))
from ports import free_port  # noqa: E402

BIN = ROOT / "build/release/bin"

PLAIN = {"Accept": "text/plain;version=0.0.4"}
AS_PROMETHEUS = {
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
              "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
    "X-Prometheus-Scrape-Timeout-Seconds": "10",
}

NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  types {{ }}
  default_type "text/plain; version=0.0.4; charset=utf-8";
  server {{
    listen 127.0.0.1:{port};
    location /metrics {{ root {folder}; }}
    location /metrics.gz {{ root {folder}; add_header Content-Encoding gzip; }}
  }}
}}
"""


class Server:
    """A server under test, from its start to the end of the block."""

    def __init__(self, name, command, port, path="/metrics"):
        self.name, self.command, self.port, self.path = name, command, port, path

    def __enter__(self):
        self.child = subprocess.Popen(self.command, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, start_new_session=True)
        give_up = time.monotonic() + 60
        while True:
            try:
                self.get(PLAIN)
                return self
            except OSError:
                if self.child.poll() is not None or time.monotonic() > give_up:
                    self.__exit__()
                    raise SystemExit(f"{self.name} does not answer: {self.command}") from None
                time.sleep(0.05)

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(20)

    def get(self, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            connection.request("GET", self.path, headers=headers)
            reply = connection.getresponse()
            return reply.status, reply.read()

    def pids(self):
        """The process and its children: nginx serves from one."""
        children = pathlib.Path(f"/proc/{self.child.pid}/task/{self.child.pid}/children").read_text()
        return [self.child.pid, *map(int, children.split())]

    def cpu_seconds(self):
        # The CPU-time clock of another process (clock_getcpuclockid(3)): it has nanoseconds and
        # includes threads that have ended. /proc/PID/stat counts ticks of 10 ms.
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self.pids())

    def memory_bytes(self, key="VmRSS"):
        total = 0
        for pid in self.pids():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            total += int(re.search(rf"{key}:\s+(\d+)", status).group(1)) * 1024
        return total

    def share_bytes(self):
        """Its proportional set size: memory that it shares with other processes counts in part."""
        total = 0
        for pid in self.pids():
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", rollup, re.M).group(1)) * 1024
        return total


def nginx(folder):
    """nginx, which serves folder/metrics, and folder/metrics.gz as gzip."""
    port = free_port()
    config = pathlib.Path(folder) / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port))
    return Server("nginx", ["nginx", "-c", str(config), "-e", f"{folder}/error.log"], port)


class Series:
    """Latencies and CPU of requests that were sent one after the other."""

    def __init__(self):
        self.seconds, self.cpu, self.bytes = [], 0.0, 0

    def run(self, server, headers, requests, pause=0):
        before = server.cpu_seconds()
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        with contextlib.closing(connection):
            for _ in range(requests):
                time.sleep(pause)
                begin = time.perf_counter()
                try:
                    connection.request("GET", server.path, headers=headers)
                    reply = connection.getresponse()
                except http.client.RemoteDisconnected:  # the server does not keep connections
                    connection.close()
                    connection.request("GET", server.path, headers=headers)
                    reply = connection.getresponse()
                body = reply.read()
                self.seconds.append(time.perf_counter() - begin)
                if reply.status != 200:
                    raise SystemExit(f"{server.name} answered {reply.status}")
                self.bytes = len(body)
        self.cpu += server.cpu_seconds() - before

    def cpu_ms(self):
        return self.cpu / len(self.seconds) * 1e3

    def median_ms(self):
        return statistics.median(self.seconds) * 1e3

    def p99_ms(self):
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1e3


def alternate(servers, headers, rounds, requests):
    """A Series for each server. The servers take turns, so that noise of the machine affects all
    alike."""
    series = [Series() for _ in servers]
    for _ in range(rounds):
        for server, each in zip(servers, series):
            each.run(server, headers, requests)
    return series


def concurrent(server, headers, connections, seconds):
    """wrk's latencies (ms), the requests and refusals, and the CPU of a good request (ms)."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "30s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    command.append(f"http://127.0.0.1:{server.port}{server.path}")
    before = server.cpu_seconds()
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cpu = server.cpu_seconds() - before
    scale = {"us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4}

    def percentile(name):
        value, unit = re.search(rf"{name}%\s+([0-9.]+)(us|ms|s|m)", out).groups()
        return float(value) * scale[unit]

    requests = int(re.search(r"(\d+) requests in", out).group(1))
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    refused = int(refused.group(1)) if refused else 0
    return {"p50": percentile(50), "p99": percentile(99), "requests": requests,
            "refused": refused, "cpu_ms": cpu / max(1, requests - refused) * 1e3}


def machine():
    model = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"{os.cpu_count()} CPUs ({model.group(1) if model else platform.machine()}), "
            f"Linux {platform.release().split('-')[0]}")


def print_table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)
