"""Continuous checks: pages, requested by several clients at once, and the resources of processes."""

import gzip
import http.client
import random
import threading
import time

from support import OPENMETRICS, TEXT

ACCEPTS = (TEXT, OPENMETRICS, "*/*")


class Load:
    """Clients that scrape each exporter in turn, besides Prometheus. No counter may fall, whatever happens
    to the exporter, because what was on a page is in its ledger."""

    CLIENTS, PAUSE = 3, 0.6

    def __init__(self, exporters, counters, seed):
        self.exporters, self.counters, self.seen = exporters, counters, {name: {} for name in exporters}
        self.lock, self.pages, self.problems, self.ending = threading.Lock(), 0, [], threading.Event()
        self.locks = {name: threading.Lock() for name in exporters}
        self.threads = [threading.Thread(target=self.run, args=(random.Random(f"{seed}/load/{number}"),), daemon=True)
                        for number in range(self.CLIENTS)]
        for thread in self.threads:
            thread.start()

    def run(self, dice):
        while not self.ending.wait(self.PAUSE * dice.uniform(0.5, 1.5)):
            exporter, begin = dice.choice(list(self.exporters.values())), time.time()
            headers = {"Accept": dice.choice(ACCEPTS)} | ({"Accept_Encoding": "gzip"} if dice.random() < 0.5 else {})
            try:
                # One request at a time, because replies may arrive out of order.
                with self.locks[exporter.name]:
                    self.look(exporter, exporter.get("/metrics", **headers))
            except (OSError, http.client.HTTPException) as error:
                if not exporter.was_down(begin, time.time()):
                    self.report(f"{exporter.name}: no page: {error!r}")
            except Exception as error:  # noqa: BLE001: whatever it is, the test has failed
                self.report(f"{exporter.name}: {error!r}")

    def look(self, exporter, answer):
        with self.lock:
            self.pages += 1
        if answer.status != 200:
            self.report(f"{exporter.name}: status {answer.status}: {answer.body[:200]}")
            return
        body = gzip.decompress(answer.body) if answer.headers.get("content-encoding") == "gzip" else answer.body
        text, wanted, seen = body.decode(), self.counters[exporter.name], self.seen[exporter.name]
        if "openmetrics" in answer.headers["content-type"] and not text.endswith("# EOF\n"):
            self.report(f"{exporter.name}: a page of OpenMetrics without an end: {text[-100:]!r}")
        for line in text.splitlines():
            if wanted.match(line):
                series, _, value = line.partition(" # ")[0].rpartition(" ")
                if float(value) < seen.get(series, 0):
                    self.report(f"{exporter.name}: {series} falls from {seen[series]} to {value}")
                seen[series] = float(value)

    def report(self, problem):
        with self.lock:
            if len(self.problems) < 20:
                self.problems.append(f"{time.strftime('%T')} {problem}")

    def stop(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


class Growth:
    """The resources of each exporter, early in the life of its last process and late."""

    def __init__(self, exporters, after):
        self.exporters, self.after, self.early, self.most = exporters, after, {}, {}

    def look(self):
        """Takes a measurement; called every few seconds."""
        for name, exporter in self.exporters.items():
            measure = exporter.measure()
            self.most[name] = max(self.most.get(name, 0), measure.resident)
            is_early = time.monotonic() - exporter.began < self.after
            if is_early or self.early.get(name, (0,))[0] != exporter.starts:
                self.early[name] = (exporter.starts, measure)

    def table(self):
        yield ("exporter", "RSS early", "RSS late", "most", "fds", "threads", "starts", "slowest end", "CPU s")
        for name, exporter in self.exporters.items():
            early, late = self.early[name][1], exporter.measure()
            yield (name, f"{early.resident} KiB", f"{late.resident} KiB", f"{self.most[name]} KiB",
                   f"{early.descriptors} {late.descriptors}", f"{early.threads} {late.threads}", exporter.starts,
                   f"{max((seconds for _, seconds in exporter.ends), default=0):.1f} s", f"{exporter.cpu():.1f}")

    def problems(self, share=0.1, more=3072):
        """The processes that use more than before. A small increase of memory is allowed."""
        for name, exporter in self.exporters.items():
            early, late = self.early[name][1], exporter.measure()
            if late.resident > early.resident * (1 + share) + more:
                yield f"{name}: RSS from {early.resident} to {late.resident} KiB"
            for what in ("descriptors", "threads"):
                before, now = getattr(early, what), getattr(late, what)
                if now > before + 8:
                    yield f"{name}: {what} from {before} to {now}"
