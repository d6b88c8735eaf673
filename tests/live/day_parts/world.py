"""What the sources of the test have in common."""

import re
import threading

import yaml
from processes import Failed

LATE = 60  # seconds that a source may keep others waiting


class World:
    """A source, and all that happened in it."""

    name, alert = "", ""  # of the exporter; what is sent while the source cannot be read
    modes = ()  # in which it fails
    brief_modes = ()  # in which it fails for a moment, if these are others
    counters = re.compile(r"(?!)")  # lines of a page whose values never fall
    flags = ()

    def alert_of(self, mode):
        """What is sent if the source fails so."""
        return self.alert

    def configuration(self):
        """Of the exporter."""
        return {}

    def write_configuration(self, path):
        path.write_text(yaml.safe_dump(self.configuration()))

    def begin(self, exporter):
        """From now on things happen."""

    def fail(self, mode):
        raise NotImplementedError

    def repair(self):
        raise NotImplementedError

    def is_read(self, exporter):
        """Whether all is as it is to be before the first fault."""
        return True

    def settle(self, exporter):
        """From now on nothing new happens."""

    def difference(self, exporter):
        """By series what it must be and what it is, where these differ."""
        return {}

    def known(self):
        return ""

    def close(self):
        """Ends what it has started."""


class Worker(threading.Thread):
    """Calls act() again and again until stop(), which says if that failed."""

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
    """Values that differ, by series."""
    return {name: (expected.get(name, 0), shown.get(name, 0)) for name in expected.keys() | shown.keys()
            if abs(float(expected.get(name, 0)) - float(shown.get(name, 0))) > near}
