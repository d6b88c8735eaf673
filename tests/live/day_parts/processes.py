"""An exporter under test: it is started and stopped many times, has a clock that can be set, and is measured."""

import contextlib
import http.client
import os
import pathlib
import re
import resource
import signal
import subprocess
import time
from typing import NamedTuple

from support import ask, environment, free_port

BOUND = 120  # seconds before the test gives up; the machine may be slow and busy
TICKS = os.sysconf("SC_CLK_TCK")
WHERE = re.compile(r"^VmRSS:\s+(\d+) kB", re.M)


class Failed(Exception):
    """A requirement of the test that is not met."""


def poll(condition, what, bound=BOUND, pause=0.2):
    """Calls condition() until it returns something true, and returns that."""
    end = time.monotonic() + bound
    while not (result := condition()):
        if time.monotonic() > end:
            raise Failed(f"not within {bound:.0f} s: {what() if callable(what) else what}")
        time.sleep(pause)
    return result


class Measure(NamedTuple):
    """The resources that a process uses."""

    resident: int  # KiB
    descriptors: int
    threads: int
    cpu: float  # seconds


class Clock:
    """The time of a process by libfaketime: the machine's time, `speed` times as fast, with jumps."""

    def __init__(self, library, file, speed=1):
        self.library, self.file, self.speed = library, file, speed
        self.start, self.began, self.added = time.time(), time.monotonic(), 0

    def now(self):
        return self.start + self.added + (time.monotonic() - self.began) * self.speed

    def environment(self):
        """The environment of a process that starts now."""
        self.write()
        return {"LD_PRELOAD": str(self.library), "FAKETIME_TIMESTAMP_FILE": str(self.file), "TZ": "UTC",
                "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1"}

    def jump(self, seconds):
        self.added += seconds
        self.write()

    def write(self):
        """Written atomically. A time counts from when libfaketime reads it, an offset is constant."""
        at = time.strftime("@%Y-%m-%d %H:%M:%S", time.gmtime(self.now()))
        made = self.file.with_suffix(".new")
        made.write_text(f"{self.added:+d}\n" if self.speed == 1 else f"{at} x{self.speed}\n")
        made.replace(self.file)


class Exporter:
    """An exporter with its own address, state directory and configuration."""

    def __init__(self, program, folder, name, host, state=None, clock=None, flags=()):
        self.name, self.host, self.port, self.clock, self.state = name, host, free_port(host), clock, state
        self.address = f"{host}:{self.port}"
        self.log, self.config = folder / f"{name}.log", folder / f"{name}.yml"
        self.command = [program, f"--web.listen-address={self.address}", f"--config.file={self.config}", *flags]
        if state:
            self.command.append(f"--state.dir={state}")
        self.child, self.down, self.ends, self.starts, self.cpu_before, self.began = None, [], [], 0, 0.0, 0.0

    # -- its life

    def start(self):
        more = self.clock.environment() if self.clock else {}
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([str(word) for word in self.command], env=environment(more), stdout=log,
                                          stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.starts, self.began = self.starts + 1, time.monotonic()
        poll(self.is_healthy, f"{self.name} is healthy", pause=0.05)
        if self.down:
            self.down[-1][1] = time.time()

    def is_healthy(self):
        self.require_running()
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.get("/-/healthy").status == 200

    def require_running(self):
        code = self.child.poll()
        if code is not None:
            raise Failed(f"{self.name}_exporter ended by itself with code {code}; its log ends with\n{self.tail()}")

    def end(self, number):
        """Ends the process by a signal, and requires the exit code for that signal."""
        self.require_running()
        self.cpu_before += self.measure().cpu
        self.down.append([time.time(), float("inf")])
        self.child.send_signal(number)
        began = time.monotonic()
        code = self.child.wait(BOUND)
        self.ends.append((signal.Signals(number).name, time.monotonic() - began))
        wanted = -number if number == signal.SIGKILL else 0
        if code != wanted:
            raise Failed(f"{self.name}_exporter ended with code {code}, not {wanted}, by {signal.Signals(number).name};"
                         f" its log ends with\n{self.tail()}")

    def stop(self):
        """Stops the process at the end of the test, also after a failure."""
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def hang_up(self):
        self.child.send_signal(signal.SIGHUP)

    def limit_files(self, size):
        """Limits the size of its files from now on; None removes the limit."""
        hard = resource.prlimit(self.child.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.child.pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))

    def was_down(self, begin, end):
        """Whether it was stopped at any time between `begin` and `end`."""
        return any(first < end and begin < last for first, last in self.down)

    # -- what it shows and takes

    def get(self, path, **headers):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=BOUND)
        with contextlib.closing(connection):
            return ask(connection, path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def page(self):
        answer = self.get("/metrics")
        if answer.status != 200:
            raise Failed(f"{self.name}: {answer.status} {answer.body[:300]}")
        return answer.body.decode()

    def measure(self):
        process = pathlib.Path(f"/proc/{self.child.pid}")
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        return Measure(int(WHERE.search((process / "status").read_text())[1]), len(list((process / "fd").iterdir())),
                       len(list((process / "task").iterdir())), (int(fields[11]) + int(fields[12])) / TICKS)

    def cpu(self):
        return self.cpu_before + self.measure().cpu

    def tail(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
