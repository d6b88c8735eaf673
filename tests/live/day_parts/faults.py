"""What is done to the exporters and to their sources, and what each of it is to lead to if it lasts."""

import signal
import time

from incidents import PAGES, WARNINGS


class Fault:
    """`channel` and `alert` are what is sent if it lasts. Where `alert` is None, it lasts for `seconds`, and nothing is sent
    but, once each, what is in `may`."""

    channel, alert, seconds, may = PAGES, None, 60, ()

    def __init__(self, target, detail=""):
        self.target, self.detail = target, detail

    def __str__(self):
        return f"{self.target.exporter.name}: {type(self).__name__.lower()} {self.detail}".rstrip()

    def begin(self):
        raise NotImplementedError

    def end(self):
        """Back to what was before."""


class Stop(Fault):
    """The process ends and stays away."""

    def __init__(self, target, detail):
        super().__init__(target, detail)
        self.alert = "HostDown" if target.exporter.name == "host" else "ExporterDown"

    def begin(self):
        self.target.exporter.end(signal.Signals[self.detail])

    def end(self):
        self.target.exporter.start()


class Restart(Fault):
    """Of what watches the exporters: what fires goes on, and is not sent again."""

    def __init__(self, name, restart):
        super().__init__(None, name)
        self.begin = restart

    def __str__(self):
        return f"{self.detail}: restart"


class Reload(Fault):
    """Several times at once."""

    def begin(self):
        for _ in range(3):
            self.target.exporter.hang_up()
            time.sleep(0.02)


class Misconfigure(Fault):
    """A configuration that is not valid is rejected, and the old one stays."""

    channel, alert = WARNINGS, "ExporterConfigReloadFailed"

    def begin(self):
        self.target.exporter.config.write_text("collector: {nothing_of_that_name: {interval: never}}\n")
        self.target.exporter.hang_up()

    def end(self):
        self.target.write_configuration()
        self.target.exporter.hang_up()


class Source(Fault):
    """The source fails, or what is between."""

    def __init__(self, target, detail):
        super().__init__(target, detail)
        self.alert = target.world.alert_of(detail)
        self.channel = PAGES if self.alert.endswith("Down") else WARNINGS

    def begin(self):
        self.target.world.fail(self.detail)

    def end(self):
        self.target.world.repair()


class Fill(Fault):
    """The disk of the state directory is full. What is written over what was there already fails nowhere."""

    may = ((WARNINGS, "ExporterCollectorFailing"), (WARNINGS, "DbtArtifactsMissing"))

    def begin(self):
        self.target.disk.fill()

    def end(self):
        self.target.disk.free()


class Jump(Fault):
    """The clock of the exporter is wrong by so many seconds."""

    CACHED = 1.2  # seconds for which libfaketime keeps what it has read

    def begin(self):
        self.target.exporter.clock.jump(self.detail)
        time.sleep(self.CACHED)

    def end(self):
        self.target.exporter.clock.jump(-self.detail)
        time.sleep(self.CACHED)
