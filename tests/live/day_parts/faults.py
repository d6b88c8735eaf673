"""Faults of the exporters and their sources, and the expected notifications if they last."""

import signal
import time

from incidents import PAGES, WARNINGS


class Fault:
    """`channel` and `alert` are the expected notification if the fault lasts. If `alert` is None, it lasts
    for `seconds`, and only the notifications in `may` are allowed, once each."""

    channel, alert, seconds, may = PAGES, None, 60, ()

    def __init__(self, target, detail=""):
        self.target, self.detail = target, detail

    def __str__(self):
        return f"{self.target.exporter.name}: {type(self).__name__.lower()} {self.detail}".rstrip()

    def begin(self):
        raise NotImplementedError

    def end(self):
        """Restores the state before the fault."""


class Stop(Fault):
    """The process is stopped and stays away."""

    def __init__(self, target, detail):
        super().__init__(target, detail)
        self.alert = "HostDown" if target.exporter.name == "host" else "ExporterDown"

    def begin(self):
        self.target.exporter.end(signal.Signals[self.detail])

    def end(self):
        self.target.exporter.start()


class Restart(Fault):
    """Restarts a process that watches the exporters: firing alerts continue, and are not sent again."""

    def __init__(self, name, restart):
        super().__init__(None, name)
        self.begin = restart

    def __str__(self):
        return f"{self.detail}: restart"


class Reload(Fault):
    """Reloads the configuration several times at once."""

    def begin(self):
        for _ in range(3):
            self.target.exporter.hang_up()
            time.sleep(0.02)


class Misconfigure(Fault):
    """Writes an invalid configuration, which is rejected; the old one stays in use."""

    channel, alert = WARNINGS, "ExporterConfigReloadFailed"

    def begin(self):
        self.target.exporter.config.write_text("collector: {nothing_of_that_name: {interval: never}}\n")
        self.target.exporter.hang_up()

    def end(self):
        self.target.write_configuration()
        self.target.exporter.hang_up()


class Source(Fault):
    """The source or the network in front of it fails."""

    def __init__(self, target, detail):
        super().__init__(target, detail)
        self.alert = target.world.alert_of(detail)
        self.channel = PAGES if self.alert.endswith("Down") else WARNINGS

    def begin(self):
        self.target.world.fail(self.detail)

    def end(self):
        self.target.world.repair()


class Fill(Fault):
    """Fills the disk of the state directory. Overwriting existing data does not fail on a full disk."""

    may = ((WARNINGS, "ExporterCollectorFailing"), (WARNINGS, "DbtArtifactsMissing"))

    def begin(self):
        self.target.disk.fill()

    def end(self):
        self.target.disk.free()


class Jump(Fault):
    """The exporter's clock jumps by that many seconds."""

    CACHED = 1.2  # seconds for which libfaketime caches the file

    def begin(self):
        self.target.exporter.clock.jump(self.detail)
        time.sleep(self.CACHED)

    def end(self):
        self.target.exporter.clock.jump(-self.detail)
        time.sleep(self.CACHED)
