"""Grafana's requests to Prometheus for the data of a panel, according to its
pkg/promlib/models/query.go."""

import bisect
import collections
import re

DATA_SOURCE_INTERVAL = 15  # seconds; from grafana/provisioning/, and Grafana's default
UNITS = {"s": 1, "m": 60, "h": 3600}
# Grafana rounds a step to the value of ROUNDED at the position of the first limit above it.
LIMITS = (12.5, 17.5, 25, 45, 90, 210, 450, 750, 1050, 1500, 2700, 5400)
ROUNDED = (10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200)


def seconds(duration):
    """The seconds of a duration such as "15s"; None for anything else."""
    match = re.fullmatch(r"(\d+)([smh])", duration or "")
    return int(match[1]) * UNITS[match[2]] if match else None


class View(collections.namedtuple("View", "end range width")):
    """A dashboard that shows `range` seconds up to `end` in panels of `width` pixels. A panel requests
    as many points, unless it has its own number."""

    def step(self, query):
        least = query.least or DATA_SOURCE_INTERVAL
        wanted = self.range / (query.points or self.width)
        return least if wanted < least else ROUNDED[bisect.bisect_right(LIMITS, wanted)]

    def windows(self, query):
        """The values of the window variables in a query."""
        step, scrape = self.step(query), query.least or DATA_SOURCE_INTERVAL
        return {"$__rate_interval": f"{max(step + scrape, 4 * scrape)}s",
                "$__range": f"{self.range}s", "$__interval": f"{step}s"}  # fmt: skip

    def request(self, query, variables):
        """The path and the parameters of the request to Prometheus's API."""
        expr = filled(query.expr, self.windows(query) | variables)
        if query.instant:
            return "query", {"query": expr, "time": self.end}
        step = self.step(query)
        start, end = (time // step * step for time in (self.end - self.range, self.end))
        return "query_range", {"query": expr, "start": start, "end": end, "step": step}


def filled(expr, values):
    """The expression with values in place of its variables."""
    for name, value in values.items():
        expr = re.sub(re.escape(name) + r"\b", value, expr)
    return expr
