"""The common interface of the test's sources."""

import re
import threading

import yaml
from processes import Failed

LATE = 60  # seconds for which a source may delay others


class World:
    """A source, and everything that happened in it."""

    name, alert = "", ""  # name of the exporter; alert that is sent while the source cannot be read
    modes = ()  # the ways in which it can fail
    brief_modes = ()  # the ways in which it can fail briefly, if different
    counters = re.compile(r"(?!)")  # lines of a page whose values never fall
    flags = ()

    def alert_of(self, mode):
        """The alert that is sent if the source fails in this way."""
        return self.alert

    def configuration(self):
        """The configuration of the exporter."""
        return {}

    def write_configuration(self, path):
        path.write_text(yaml.safe_dump(self.configuration()))

    def begin(self, exporter):
        """Starts the events."""

    def fail(self, mode):
        raise NotImplementedError

    def repair(self):
        raise NotImplementedError

    def is_read(self, exporter):
        """Whether the exporter has read everything that it must before the first fault."""
        return True

    def settle(self, exporter):
        """Ends the events."""

    def difference(self, exporter):
        """The series that differ: the expected value and the actual one."""
        return {}

    def known(self):
        return ""

    def close(self):
        """Stops everything that it started."""


class Worker(threading.Thread):
    """Calls act() repeatedly until stop(), which reports a failure of it."""

    def __init__(self, act, every, dice):
        super().__init__(daemon=True)
        self.act, self.every, self.dice, self.error, self.ending = act, every, dice, None, threading.Event()
        self.start()

    def run(self):
        while not self.ending.wait(self.every * self.dice.uniform(0.5, 1.5)):
            try:
                self.act()
            except Exception as error:  # noqa: BLE001: whatever it is, the test has failed
                self.error = error
                return

    def stop(self):
        self.ending.set()
        self.join(LATE)
        if self.error:
            raise Failed(f"{self.act.__qualname__}: {self.error!r}") from self.error


def different(expected, shown, near=1e-6):
    """The values that differ, by series."""
    return {name: (expected.get(name, 0), shown.get(name, 0)) for name in expected.keys() | shown.keys()
            if abs(float(expected.get(name, 0)) - float(shown.get(name, 0))) > near}
