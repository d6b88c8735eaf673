"""Shared by the end-to-end tests: starts and stops the real exporters and other processes."""

import base64
import contextlib
import http.client
import os
import pathlib
import random
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "tests/support"))
from ports import free_port  # noqa: E402, F401: the tests' own

EXPORTER = pathlib.Path(os.environ.get("BIN_DIR", SOURCE / "build/release/bin")) / "host_exporter"
SANITIZED = bool(os.environ.get("SANITIZED"))
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"


START = 300  # seconds before the test gives up; the machine may be slow and busy
ATTEMPTS = 3


@contextlib.contextmanager
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="e2e-"))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def run(*flags, env=None, cwd=None, name="host_exporter", **options):
    """Runs an exporter to its end; standard output and error are text."""
    return subprocess.run([EXPORTER.parent / name, *flags], env=environment(env), cwd=cwd, timeout=START,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)


def environment(extra):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith("LISTEN_") and not name.lower().endswith("_proxy")}
    return clean | (extra or {})


def poll(condition, what, timeout=None):
    """Calls condition() until it returns something true, and returns that."""
    end = time.monotonic() + (timeout or START)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"gave up waiting: {what}")
        time.sleep(0.01)


def slowness():
    """How much slower this machine is now than a quiet one; at least 1."""
    begin = time.monotonic()
    sum(range(4_000_000))
    return max(1, (time.monotonic() - begin) / 0.1)


def in_time(limit, measure):
    """Returns the result of measure(), which returns the seconds of something and a result, if the seconds
    were within the limit for a quiet machine. Repeats it, so that a stall does not fail the test."""
    for _ in range(ATTEMPTS):
        took, result = measure()
        if took <= limit * slowness():
            return result
    raise AssertionError(f"it took {took:.1f} s, and {limit} s at no attempt")


def seconds_of_a_page():
    """The seconds that a page of host_exporter takes now, including start and exit of a process."""
    begin = time.monotonic()
    run("--once")
    return time.monotonic() - begin


class Process:
    """A child process and its output lines. Killed at the end if it still runs."""

    def __init__(self, command, env=None, **options):
        self.lines = []
        self._news = threading.Condition()
        self.child = subprocess.Popen(
            command, env=environment(env), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", **options)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.child.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self.lines.append(None)
            self._news.notify_all()

    def log(self):
        with self._news:
            return [line for line in self.lines if line is not None]

    def wait_for_lines(self, text, count=1, timeout=None):
        """Waits for that many lines that contain `text`. Returns them."""
        def found():
            return [line for line in self.lines if line is not None and text in line]

        with self._news:
            self._news.wait_for(lambda: len(found()) >= count or None in self.lines,
                                timeout or START)
            if len(found()) < count:
                raise AssertionError(f"no line with {text!r} in:\n" + "\n".join(map(str, self.lines)))
            return found()

    def send(self, number):
        self.child.send_signal(number)

    def wait(self, timeout):
        """Waits for the exit. Returns the exit code; the log is complete then."""
        code = self.child.wait(timeout)
        self._reader.join()
        return code

    def stop(self):
        """Stops it with SIGTERM, and returns the exit code."""
        self.send(signal.SIGTERM)
        return self.wait(START)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.wait(START)
        self.child.stdout.close()


class Exporter(Process):
    """host_exporter, or another one, on a free port of 127.0.0.1, unless flags say otherwise. With
    `silent_port` it listens on that port and may not log it."""

    def __init__(self, *flags, env=None, command=(), silent_port=None, name="host_exporter",
                 **options):
        elsewhere = any("--web.listen-address" in flag or "--web.systemd-socket" in flag
                        for flag in flags)
        listen = () if elsewhere else (f"--web.listen-address=127.0.0.1:{silent_port or 0}",)
        super().__init__([*command, EXPORTER.parent / name, *listen, *flags], env=env, **options)
        try:
            self.address = (self._wait_for_connects(silent_port) if silent_port else
                            self._wait_until_it_listens())
        except BaseException:
            self.__exit__()
            raise
        self.port = int(self.address.rpartition(":")[2])

    def _wait_until_it_listens(self):
        first = self.wait_for_lines("listening")[0]
        return re.search(r'address"?[=:]"?([^ "]+)', first).group(1)

    @staticmethod
    def _wait_for_connects(port):
        def connects():
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=START).close()
                return True

        poll(connects, f"port {port} accepts")
        return f"127.0.0.1:{port}"

    def url(self, path="/metrics"):
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path="/metrics", **arguments):
        return fetch(self.port, path, **arguments)

    def page(self, query="", **headers):
        answer = self.get("/metrics" + query, headers=headers)
        if answer.status != 200:
            raise AssertionError(f"{answer.status}: {answer.body[:500]}")
        return answer.body.decode()

    def proc(self, name):
        return pathlib.Path(f"/proc/{self.child.pid}/{name}")

    def cpu_ticks(self):
        fields = self.proc("stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def descriptors(self):
        return len(list(self.proc("fd").iterdir()))

    def threads(self):
        return len(list(self.proc("task").iterdir()))

    def resident_bytes(self):
        kibibytes = re.search(r"^VmRSS:\s+(\d+) kB", self.proc("status").read_text(), re.M)
        return int(kibibytes.group(1)) * 1024


class Answer:
    def __init__(self, reply):
        self.status = reply.status
        self.headers = {name.lower(): value for name, value in reply.getheaders()}
        self.body = reply.read()


def ask(connection, path, method="GET", headers=None):
    """Sends a request over an http.client connection, with only Host and the given headers."""
    connection.putrequest(method, path, skip_accept_encoding=True)
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    if method == "POST":
        connection.putheader("Content-Length", "0")
    connection.endheaders()
    return Answer(connection.getresponse())


def fetch(port, path, method="GET", headers=None, host="127.0.0.1", tls=None):
    """Sends a request over a new connection, with TLS if an ssl.SSLContext is given."""
    connection = (http.client.HTTPSConnection(host, port, timeout=START, context=tls) if tls else
                  http.client.HTTPConnection(host, port, timeout=START))
    with contextlib.closing(connection):
        return ask(connection, path, method, headers)


def basic_auth(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def samples(page):
    """The values of the page's samples by series, as written."""
    lines = [line for line in page.splitlines() if line and not line.startswith("#")]
    return {series: value for series, _, value in (line.rpartition(" ") for line in lines)}


def families(page):
    """The types of the page's families by name."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))


def collectors(page):
    """Whether each collector succeeded, according to the page."""
    return {name: value == "1" for name, value in
            re.findall(r'^exporter_collector_success\{collector="(\w+)"\} (\d)$', page, re.M)}


class WebConfig:
    """A web configuration in a directory: TLS with its own certificate for 127.0.0.1, and one user. The
    password's hash has the lowest cost, for speed."""

    user, password = "prometheus", "correct-horse-battery-staple"
    hash = "$2b$04$ePHi8gnFlMfieOHRg2rg1e/dZ1s2tvWerwzW.QW0tP/UckohMOUMq"

    def __init__(self, folder):
        self.file, self.certificate, self.key = (
            folder / name for name in ("web.yml", "certificate.pem", "key.pem"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=exporter", "-addext",
             "subjectAltName=IP:127.0.0.1", "-out", self.certificate, "-keyout", self.key],
            check=True, capture_output=True)
        self.file.write_text("tls_server_config:\n  cert_file: certificate.pem\n"
                             "  key_file: key.pem\n"
                             f"basic_auth_users:\n  {self.user}: {self.hash}\n")


class HungBus:
    """A message bus that accepts connections and never answers. With `flags` and `env` an exporter has a
    collector, systemd, that hangs until hang_up()."""

    flags = ("--collector.disable-defaults", "--collector.time", "--collector.systemd")

    def __init__(self, path):
        self.clients = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path / "bus"))
        self._listener.listen()
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={path}/bus"}

    def wait_for_client(self):
        self._listener.settimeout(START)
        self.clients.append(self._listener.accept()[0])

    def has_client(self):
        """Whether there is a new connection."""
        return bool(select.select([self._listener], [], [], 0)[0])

    def hang_up(self):
        """Ends the runs that hang; later runs cannot connect."""
        self._listener.close()
        for client in self.clients:
            client.close()


class SlowTree:
    """A procfs that keeps the slabinfo collector busy for about that many seconds of CPU time: the names of
    its slabs are matched with an expression that needs an automaton of unbounded size. Use it with
    `flags`."""

    _EXPRESSION = "a[ab]{200}c|^[ab]+$"
    _HEADER = ("slabinfo - version: 2.1\n"
               "# name <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables "
               "<limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> "
               "<sharedavail>\n")
    _PROBE = 40

    def __init__(self, path, duration):
        self.file = pathlib.Path(path) / "slabinfo"
        self.flags = ("--collector.disable-defaults", "--collector.time", "--collector.slabinfo",
                      f"--collector.slabinfo.slabs-exclude={self._EXPRESSION}",
                      f"--path.procfs={path}")
        self._write(self._PROBE)
        before = self._used_by_children()
        run("--once", *self.flags)
        self._write(round(self._PROBE * duration / (self._used_by_children() - before)))

    @staticmethod
    def _used_by_children():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    def _write(self, slabs):
        dice = random.Random(1)
        names = ("".join(dice.choices("ab", k=1000)) for _ in range(slabs))
        self.file.write_text(self._HEADER + "".join(
            f"{name} 1 2 3 4 5 : tunables 0 0 0 : slabdata 1 2 0\n" for name in names))
