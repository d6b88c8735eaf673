"""A real Prometheus scrapes the exporter's pages, in both formats, and stores them as they are."""

import contextlib
import gzip
import http.server
import json
import math
import re
import subprocess
import threading
import unittest
import urllib.parse

import support
from support import SOURCE, TEXT, Exporter

SCRAPES = 3  # the number of scrapes that are compared with pages


class Proxy(http.server.ThreadingHTTPServer):
    """Forwards an exporter's pages unchanged, and keeps them. With `accept` it requests that format,
    whatever Prometheus requested."""

    daemon_threads = True

    def __init__(self, port, accept=None):
        super().__init__(("127.0.0.1", 0), ProxyHandler)
        self.exporter, self.accept, self.pages = port, accept, []
        self.thread = threading.Thread(target=self.serve_forever)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()


class ProxyHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        headers = {name: value for name, value in self.headers.items() if name != "Host"}
        if self.server.accept:
            headers["Accept"] = self.server.accept
        answer = support.fetch(self.server.exporter, self.path, headers=headers)
        self.server.pages.append((answer.headers["content-type"], gzip.decompress(answer.body)))
        self.send_response_only(answer.status)
        for name in ("content-type", "content-encoding", "content-length"):
            self.send_header(name, answer.headers[name])
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_):
        pass


class Prometheus(support.Process):
    """Scrapes every second, or as often as this machine can."""

    def __init__(self, folder, jobs, *flags):
        self.port = support.free_port()
        interval = f"{math.ceil(10 * support.seconds_of_a_page())}s"
        file = folder / "prometheus.yml"
        file.write_text(json.dumps({
            "global": {"scrape_interval": interval, "scrape_timeout": interval},
            "scrape_configs": jobs}))
        super().__init__(["prometheus", f"--config.file={file}", "--log.level=warn",
                          f"--storage.tsdb.path={folder}/data",
                          f"--web.listen-address=127.0.0.1:{self.port}", *flags])

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        return json.loads(support.fetch(self.port, f"/api/v1/{path}?{query}").body)["data"]

    def answers(self):
        with contextlib.suppress(OSError):
            return support.fetch(self.port, "/-/ready").status == 200

    def scrapes(self, job):
        """The stored samples of each successful scrape, in order: values by series."""
        by_time = {}
        for result in self.ask("query", query=f'{{job="{job}"}}[1h]')["result"]:
            labels = {name: value for name, value in result["metric"].items()
                      if name not in ("job", "instance")}
            for time, value in result["values"]:
                by_time.setdefault(time, {})[frozenset(labels.items())] = float(value)
        return [by_time[time] for time in sorted(by_time) if by_time[time][series("up")] == 1]


def series(name):
    """A series without labels."""
    return frozenset({("__name__", name)})


def job(name, port, **more):
    return {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} | more


def unescape(text):
    return re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], text)


def parse(page):
    """The values of the page by series, in the form of Prometheus.scrapes()."""
    series = {}
    for line in page.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)", line).groups()
        pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")
        key = frozenset({"__name__": name}.items() | {(n, unescape(v)) for n, v in pairs if v})
        if key in series:
            raise AssertionError(f"twice on the page: {line}")
        series[key] = float(value)
    return series


def headers(page):
    """The type and the help text of each family."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", page, re.M))
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", page, re.M))
    return {name: (kind, unescape(helps[name])) for name, kind in types.items()}


def all_collectors():
    listed = support.run("--metrics.list").stdout
    return [f"--collector.{name}" for name in re.findall(r"^## (\w+) \(off", listed, re.M)]


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = cls.enterClassContext(Exporter(*all_collectors()))
        cls.proxies = {"openmetrics": cls.enterClassContext(Proxy(cls.exporter.port)),
                       "text": cls.enterClassContext(Proxy(cls.exporter.port, accept=TEXT))}
        folder = cls.enterClassContext(support.folder())
        jobs = [job(name, proxy.server_port) for name, proxy in cls.proxies.items()]
        cls.prometheus = cls.enterClassContext(Prometheus(folder, jobs))
        support.poll(cls.prometheus.answers, "Prometheus is ready")
        cls.stored = {
            name: support.poll(lambda name=name: len(found := cls.prometheus.scrapes(name)) >= SCRAPES
                               and found[:SCRAPES], f"scrapes of {name}")
            for name in cls.proxies}

    def pages(self, name):
        """The pages of the stored scrapes. The proxy may also have pages that took Prometheus too long."""
        now = series("node_time_seconds")
        by_time = {parse(page)[now]: page
                   for page in (body.decode() for _, body in self.proxies[name].pages)}
        return [by_time[scrape[now]] for scrape in self.stored[name]]

    def test_each_job_got_its_format(self):
        self.assertEqual({kind for kind, _ in self.proxies["openmetrics"].pages},
                         {support.OPENMETRICS})
        self.assertEqual({kind for kind, _ in self.proxies["text"].pages}, {TEXT})

    def test_what_is_stored_is_what_the_page_says(self):
        for name in self.proxies:
            for page, scrape in zip(self.pages(name), self.stored[name], strict=True):
                with self.subTest(job=name):
                    own = {key: value for key, value in scrape.items()
                           if not dict(key)["__name__"].startswith(("up", "scrape_"))}
                    self.assert_same(own, parse(page))

    def assert_same(self, stored, written):
        self.assertGreater(len(written), 500)
        self.assertEqual(stored.keys(), written.keys())
        for key, value in written.items():
            if not (math.isnan(value) and math.isnan(stored[key])):
                self.assertEqual(stored[key], value, sorted(key))

    def test_it_counts_as_many_samples_as_the_page_has_lines(self):
        for name in self.proxies:
            counts = [scrape[series("scrape_samples_scraped")] for scrape in self.stored[name]]
            lines = [sum(not line.startswith("#") for line in page.splitlines())
                     for page in self.pages(name)]
            self.assertEqual(counts, lines)

    def test_types_and_helps_are_those_of_the_page(self):
        for name, unknown in (("openmetrics", "unknown"), ("text", "untyped")):
            with self.subTest(job=name):
                found = self.prometheus.ask("targets/metadata", match_target=f'{{job="{name}"}}')
                expected = headers(self.pages(name)[-1])
                self.assertEqual({each["metric"]: (each["type"].replace("unknown", unknown),
                                                   each["help"]) for each in found}, expected)

    def test_both_formats_declare_the_same_families(self):
        text, openmetrics = (headers(self.pages(name)[0]) for name in ("text", "openmetrics"))
        renamed = {name.removesuffix("_total") if kind == "counter" else
                   name.removesuffix("_info") if openmetrics.get(name.removesuffix("_info"),
                                                                 ("",))[0] == "info" else name
                   for name, (kind, _) in text.items()}
        self.assertEqual(renamed, set(openmetrics))


class Tls(unittest.TestCase):
    def test_it_scrapes_with_tls_and_a_password(self):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(support.folder())
            web = support.WebConfig(folder)
            exporter = stack.enter_context(Exporter(f"--web.config.file={web.file}"))
            tls = {"scheme": "https", "tls_config": {"ca_file": str(web.certificate)}}
            good = {"username": web.user, "password": web.password}
            bad = {"username": web.user, "password": "wrong"}
            prometheus = stack.enter_context(Prometheus(folder, [
                job("good", exporter.port, basic_auth=good, **tls),
                job("bad", exporter.port, basic_auth=bad, **tls),
                job("nobody", exporter.port, **tls),
                job("plain", exporter.port),
            ]))

            unauthorized = ("down", "server returned HTTP status 401 Unauthorized")
            expected = {"good": ("up", ""), "bad": unauthorized, "nobody": unauthorized}

            def as_expected():
                if not prometheus.answers():
                    return False
                targets = prometheus.ask("targets", state="active")["activeTargets"]
                found = {each["labels"]["job"]: (each["health"], each["lastError"])
                         for each in targets}
                without_tls, _ = found.pop("plain", (None, None))
                return (found, without_tls) == (expected, "down")

            support.poll(as_expected, "each job has the right outcome")


class Names(unittest.TestCase):
    """The names of all families of this machine and of recorded machines, except those of text files."""

    @classmethod
    def setUpClass(cls):
        fixtures = SOURCE / "tests/fixtures/host"
        pages = [support.run("--once", *all_collectors()).stdout]
        # In recorded pages, NOW stands for the time of the scrape.
        pages += [path.read_text().replace(" NOW\n", " 1\n")
                  for path in sorted(fixtures.rglob("expected.prom"))
                  if path.relative_to(fixtures).parts[0] != "textfile"]
        cls.blocks = {}
        for page in pages:
            for match in re.finditer(r"^# HELP (\S+) .*\n(?:(?!# HELP).*\n)*", page, re.M):
                cls.blocks.setdefault(match[1], match[0])
        documented = re.findall(r"^\| `(.+?)` \|", (SOURCE / "docs/metrics/host.md").read_text(),
                                re.M)
        cls.names = {name for name in documented if "<" not in name}
        cls.patterns = [re.compile(re.sub(r"<\w+>", r"\\w+", name)) for name in documented
                        if "<" in name and name != "<name>"]

    def test_promtool_complains_of_nothing_but_the_names_of_peers(self):
        # The name of a rapl zone comes from the machine.
        page = "".join(block for name, block in self.blocks.items()
                       if not name.startswith("node_rapl_"))
        check = subprocess.run(["promtool", "check", "metrics"], text=True, check=False,
                               input=page, capture_output=True)
        self.assertEqual(check.stdout, "")
        camel = "metric names should be written in 'snake_case' not 'camelCase'"
        expected = {f"{name} {camel}" for name in self.blocks
                    if re.match(r"node_(memory|netstat)_\w*[a-z][A-Z]", name)}
        expected |= {f'node_entropy_{which}_bits use base unit "bytes" instead of "bits"'
                     for which in ("available", "pool_size")}
        # cAdvisor's name of a gauge, which exists if the machine has containers.
        expected |= {f'{name} non-counter metrics should not have "_total" suffix'
                     for name in self.blocks if name == "container_fs_inodes_total"}
        self.assertEqual(set(check.stderr.splitlines()), expected)
        self.assertGreater(len(self.blocks), 300)

    def test_every_name_is_in_the_documentation(self):
        missing = [name for name in self.blocks if name not in self.names and
                   not any(pattern.fullmatch(name) for pattern in self.patterns)]
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
