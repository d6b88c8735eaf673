"""A real Prometheus with the project's rules and shorter waits."""

import contextlib
import json
import re
from urllib.parse import urlencode

from support import SOURCE, Process, fetch, free_port
from waiting import poll

WINDOW, WAIT = "15s", "1s"


class Prometheus(Process):
    """Scrapes an exporter every second. In its copies of the project's rules, windows and waits of minutes
    are seconds."""

    def __init__(self, folder, port):
        self.port = free_port()
        for file in (*SOURCE.glob("prometheus/rules/*.yml"), *SOURCE.glob("alerts/*.yml")):
            text = re.sub(r"\[\d+[mhd](\]|:)", rf"[{WINDOW}\1", file.read_text())
            text = re.sub(r"^( +(?:for|keep_firing_for)): \w+$", rf"\1: {WAIT}", text, flags=re.M)
            (folder / file.name).write_text(re.sub(r"^    interval: \w+\n", "", text, flags=re.M))
        (folder / "prometheus.json").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [f"{folder}/*.yml"],
            "scrape_configs": [{"job_name": "airflow", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
        }))  # fmt: skip
        super().__init__(["prometheus", f"--config.file={folder}/prometheus.json", "--log.level=warn",
                          f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{self.port}"])  # fmt: skip
        poll(self.answers, "Prometheus is ready")

    def answers(self):
        with contextlib.suppress(OSError):
            return fetch(self.port, "/-/ready").status == 200

    def value(self, query):
        """The value of the only series that the query returns; otherwise None."""
        found = json.loads(fetch(self.port, f"/api/v1/query?{urlencode({'query': query})}").body)["data"]["result"]
        return float(found[0]["value"][1]) if len(found) == 1 else None
