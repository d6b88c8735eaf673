"""How Grafana asks Prometheus for what a panel shows, by its pkg/promlib/models/query.go."""

import bisect
import collections
import re

DATA_SOURCE_INTERVAL = 15  # seconds; of grafana/provisioning/, and Grafana's own default
UNITS = {"s": 1, "m": 60, "h": 3600}
# Grafana rounds a step of up to so many seconds to so many.
LIMITS = (12.5, 17.5, 25, 45, 90, 210, 450, 750, 1050, 1500, 2700, 5400)
ROUNDED = (10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200)


def seconds(duration):
    """The seconds of a duration as "15s"; None of what is none."""
    match = re.fullmatch(r"(\d+)([smh])", duration or "")
    return int(match[1]) * UNITS[match[2]] if match else None


class View(collections.namedtuple("View", "end range width")):
    """A dashboard that shows `range` seconds up to `end`, in panels of `width` pixels: as many points,
    where the panel does not say how many."""

    def step(self, query):
        least = query.least or DATA_SOURCE_INTERVAL
        wanted = self.range / (query.points or self.width)
        return least if wanted < least else ROUNDED[bisect.bisect_right(LIMITS, wanted)]

    def windows(self, query):
        """What stands for the windows of a query."""
        step, scrape = self.step(query), query.least or DATA_SOURCE_INTERVAL
        return {"$__rate_interval": f"{max(step + scrape, 4 * scrape)}s",
                "$__range": f"{self.range}s", "$__interval": f"{step}s"}  # fmt: skip

    def request(self, query, variables):
        """The call of Prometheus's API, and its parameters."""
        expr = filled(query.expr, self.windows(query) | variables)
        if query.instant:
            return "query", {"query": expr, "time": self.end}
        step = self.step(query)
        start, end = (time // step * step for time in (self.end - self.range, self.end))
        return "query_range", {"query": expr, "start": start, "end": end, "step": step}


def filled(expr, values):
    """An expression with these in the place of its variables."""
    for name, value in values.items():
        expr = re.sub(re.escape(name) + r"\b", value, expr)
    return expr
