"""The shipped Prometheus files with all times divided by a constant, and the monitored processes."""

import json
import pathlib
import re
import shutil
import sys
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[3]
for directory in ("deploy", "tests/support"):
    sys.path.insert(0, str(ROOT / directory))
from ports import free_port  # noqa: E402
from quickstart import Process, wait_for  # noqa: E402
from quickstart import Prometheus as Asked  # noqa: E402

SCALE = 20  # a minute of the shipped files takes three seconds
UNITS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
DURATION = r"\d+[smhdw]"
# Places of durations in rules and in prometheus.yml: keys, windows (also in queries in texts) and offsets.
PLACE = rf"(?:\b(?:interval|scrape_interval|evaluation_interval|for|keep_firing_for): |\[|\[{DURATION}:|\boffset )"


def shortened(text):
    """The text with durations divided by SCALE. Thresholds are numbers, and do not change."""
    return re.sub(f"({PLACE})({DURATION})", lambda found: found[1] + divided(found[2]), text)


def divided(duration):
    return f"{int(duration[:-1]) * UNITS[duration[-1]] // SCALE}ms"


def make_tree(folder, targets):
    """Copies prometheus/ and alerts/ with these changes: times are shorter, the timeout of a scrape is its
    interval, the label `environment` is set as the file suggests, and the targets are those of the test, by
    job."""
    for name in ("prometheus", "alerts"):
        shutil.copytree(ROOT / name, folder / name)
    config = folder / "prometheus/prometheus.yml"
    text = config.read_text().replace("# external_labels:", "external_labels:").replace("  scrape_timeout: 10s\n", "")
    config.write_text(shortened(text))
    for path in (*folder.glob("prometheus/rules/*.yml"), *folder.glob("alerts/*.yml")):
        path.write_text(shortened(path.read_text()))
    for job, addresses in targets.items():
        (folder / f"prometheus/targets/{job}.yml").write_text(json.dumps([{"targets": addresses}]))


class Prometheus(Asked):
    """A Prometheus with its files in a directory, and an Alertmanager."""

    def __init__(self, folder, targets, alertmanager):
        super().__init__(free_port())
        address = self.url[7:]
        make_tree(folder, targets | {"prometheus": [address], "alertmanager": [alertmanager]})
        self.process = Process(
            "prometheus",
            ["prometheus", f"--config.file={folder}/prometheus/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={address}", f"--query.lookback-delta={divided('5m')}"], folder / "prometheus.log")

    def __enter__(self):
        wait_for(f"{self.url}/-/ready", self.process)
        return self

    def __exit__(self, *_):
        self.process.stop()

    def query(self, query):
        return self.api(f"query?query={urllib.parse.quote(query)}")["result"]

    def down(self):
        return [target["scrapeUrl"] for target in self.targets() if target["health"] != "up"]


class Exporter:
    """An exporter with its own address, which can be stopped and started again."""

    def __init__(self, binaries, folder, name, host, *flags):
        self.name, self.address = name, f"{host}:{free_port(host)}"
        self.command = [binaries / f"{name}_exporter", f"--web.listen-address={self.address}", *flags]
        self.log = folder / f"{name}-{host}.log"
        self.start()

    def start(self):
        self.process = Process(f"{self.name}_exporter", self.command, self.log)
        wait_for(f"http://{self.address}/-/healthy", self.process)

    def kill(self):
        self.process.child.kill()
        self.process.child.wait()

    def stop(self):
        self.process.stop()
