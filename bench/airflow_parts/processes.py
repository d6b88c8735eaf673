"""Processes that the benchmark starts, and what they and their children use."""

import os
import pathlib
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")


def wait_until(condition, what, seconds):
    """Returns the condition's first true value, polled every half second."""
    give_up = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > give_up:
            raise SystemExit(f"after {seconds} s still not: {what}")
        time.sleep(0.5)
    return value


def stat_of(pid):
    """The fields of /proc/PID/stat after the name; None if the process has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def cpu_seconds_of(pids, *, with_ended):
    """User and system time of the processes, and of the children that they have waited for."""
    total = 0
    for fields in map(stat_of, pids):
        total += sum(map(int, fields[11:15 if with_ended else 13])) if fields else 0
    return total / TICKS


def tree_of(pid):
    """The process and its descendants."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := stat_of(name)):
            children.setdefault(int(fields[1]), []).append(int(name))
    tree = [pid]
    for each in tree:
        tree += children.get(each, [])
    return tree


class Process:
    """A process in a session of its own, whose output goes to a file."""

    def __init__(self, command, log, **options):
        self.command, self.log, self.options = [str(word) for word in command], log, options
        self.begin = time.monotonic()
        with open(log, "ab") as out:
            self.child = subprocess.Popen(self.command, stdout=out, stderr=out, start_new_session=True, **options)

    def check_running(self):
        if self.child.poll() is not None:
            tail = self.log.read_text(errors="replace")[-3000:]
            raise SystemExit(f"{' '.join(self.command[:3])} has ended with {self.child.returncode}:\n{tail}")

    def cpu_seconds(self):
        return cpu_seconds_of(tree_of(self.child.pid), with_ended=True)

    def resident_bytes(self):
        fields = stat_of(self.child.pid)
        return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if fields else 0

    def stop(self, how=signal.SIGTERM):
        """Stops it, then its remaining children."""
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            self.child.wait(30)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.child.wait(30)
