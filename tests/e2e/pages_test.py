"""Every page of a running exporter: its content, formats and encodings."""

import contextlib
import gzip
import http.client
import re
import socket
import subprocess
import threading
import time
import unittest
import zlib

import support
from support import OPENMETRICS, SOURCE, TEXT, Exporter

FIXED = ("--collector.disable-defaults", "--collector.loadavg", "--collector.filefd",
         f"--path.procfs={SOURCE}/tests/fixtures/host/loadavg/typical/proc",
         "--web.disable-exporter-metrics")

# The headers of Prometheus 2.42 (captured), of 3.5 with its defaults, and of browsers and tools.
PROMETHEUS_2 = ("application/openmetrics-text;version=1.0.0,"
                "application/openmetrics-text;version=0.0.1;q=0.75,"
                "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
PROMETHEUS_3 = ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                "application/openmetrics-text;version=0.0.1;q=0.5,"
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
                "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")
PROMETHEUS_3_PROTOBUF = ("application/vnd.google.protobuf;proto=io.prometheus.client."
                         "MetricFamily;encoding=delimited;q=0.6,"
                         "application/openmetrics-text;version=1.0.0;q=0.5,"
                         "application/openmetrics-text;version=0.0.1;q=0.4,"
                         "text/plain;version=0.0.4;q=0.3,*/*;q=0.2")


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = cls.enterClassContext(Exporter(*FIXED))

    def test_the_landing_page_shows_each_collector_and_links_to_the_metrics(self):
        self.exporter.page()
        answer = self.exporter.get("/")
        self.assertEqual((answer.status, answer.headers["content-type"]),
                         (200, "text/html; charset=utf-8"))
        page = answer.body.decode()
        self.assertIn('<a href="/metrics">', page)
        rows = re.findall(r"<tr><td>(\w+)</td><td>on scrape</td><td class=ok>ok</td>", page)
        self.assertEqual(rows, ["filefd", "loadavg"])

    def test_healthy_and_ready(self):
        for path, body in (("/-/healthy", b"healthy\n"), ("/-/ready", b"ready\n")):
            answer = self.exporter.get(path)
            self.assertEqual((answer.status, answer.body), (200, body))

    def test_reloading_by_http_is_off(self):
        for method in ("GET", "POST"):
            answer = self.exporter.get("/-/reload", method=method)
            self.assertEqual((answer.status, answer.body),
                             (403, b"reloading by HTTP is off (--web.enable-lifecycle)\n"))

    def test_head_says_what_get_would(self):
        for path in ("/metrics", "/", "/-/healthy", "/-/ready", "/nonesuch"):
            for encoding in ("identity", "gzip"):
                with self.subTest(path=path, encoding=encoding):
                    headers = {"Accept-Encoding": encoding}
                    get = self.exporter.get(path, headers=headers)
                    head = self.exporter.get(path, method="HEAD", headers=headers)
                    self.assertEqual((head.status, head.body), (get.status, b""))
                    for varying in ("date", "content-length"):
                        self.assertIsNotNone(head.headers.pop(varying))
                        get.headers.pop(varying)
                    self.assertEqual(head.headers, get.headers)

    def test_other_paths_are_not_found(self):
        for path in ("/metric", "/metrics/", "/metrics/x", "//metrics", "/-/", "/-/quit",
                     "/favicon.ico", "/%2e%2e/metrics", "/metrics%00"):
            with self.subTest(path=path):
                answer = self.exporter.get(path)
                self.assertEqual((answer.status, answer.body),
                                 (404, b"not found; the metrics are at /metrics\n"))

    def test_other_methods_are_refused(self):
        for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
            answer = self.exporter.get(method=method)
            self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD, POST"))

    def test_the_metrics_may_be_moved(self):
        with Exporter(*FIXED, "--web.telemetry-path=/custom/page") as exporter:
            self.assertEqual(exporter.get("/custom/page").status, 200)
            answer = exporter.get("/metrics")
            self.assertEqual((answer.status, answer.body),
                             (404, b"not found; the metrics are at /custom/page\n"))
            self.assertIn(b'<a href="/custom/page">', exporter.get("/").body)


class Selection(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = cls.enterClassContext(Exporter(*FIXED))

    def shown(self, query):
        page = self.exporter.page(query)
        families = support.families(page)
        self.assertEqual("node_load1" in families, "loadavg" in support.collectors(page))
        return set(support.collectors(page))

    def test_collect_takes_these_alone(self):
        self.assertEqual(self.shown("?collect[]=loadavg"), {"loadavg"})
        self.assertEqual(self.shown("?collect%5B%5D=filefd&collect%5B%5D=loadavg"),
                         {"filefd", "loadavg"})
        self.assertEqual(self.shown("?collect[]=loadavg&collect[]=loadavg"), {"loadavg"})

    def test_exclude_leaves_these_out(self):
        self.assertEqual(self.shown("?exclude[]=loadavg"), {"filefd"})
        self.assertEqual(self.shown("?exclude[]=loadavg&exclude[]=filefd"), set())

    def test_what_is_not_there_is_excluded_already(self):
        self.assertEqual(self.shown("?exclude[]=wifi&exclude[]=cpu&exclude[]=loadavg"), {"filefd"})

    def test_a_collector_of_node_exporter_alone_may_be_asked_for(self):
        self.assertEqual(self.shown("?collect[]=wifi&collect[]=filefd"), {"filefd"})
        self.assertEqual(self.shown("?collect[]=wifi"), set())

    def test_other_parameters_do_not_matter(self):
        self.assertEqual(self.shown("?collect=loadavg&x"), {"filefd", "loadavg"})

    def test_what_is_not_there_is_refused(self):
        for query, why in (("collect[]=nonesuch", 'there is no enabled collector "nonesuch"'),
                           ("collect[]=cpu", 'there is no enabled collector "cpu"'),
                           ("collect[]=", 'there is no enabled collector ""'),
                           ("collect[]=filefd&exclude[]=loadavg",
                            "collect[] and exclude[] are mutually exclusive")):
            with self.subTest(query=query):
                answer = self.exporter.get("/metrics?" + query)
                self.assertEqual((answer.status, answer.body.decode()), (400, why + "\n"))


class Negotiation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = cls.enterClassContext(Exporter(*FIXED))

    def test_the_format_is_the_one_that_the_client_likes_best(self):
        for accept, expected in (
                (None, TEXT), ("", TEXT), ("*/*", TEXT), ("text/plain", TEXT), ("text/html", TEXT),
                (PROMETHEUS_2, OPENMETRICS), (PROMETHEUS_3, OPENMETRICS),
                (PROMETHEUS_3_PROTOBUF, OPENMETRICS),
                ("application/openmetrics-text", OPENMETRICS),
                ("application/openmetrics-text;q=0", TEXT),
                ("application/openmetrics-text;version=1.0.0;q=0.1,text/plain;q=0.2", TEXT),
                ("text/plain;q=0.2,application/openmetrics-text;q=0.3", OPENMETRICS),
                ("application/openmetrics-text;version=0.0.1", TEXT),
                ("application/*;q=0.9,text/plain;q=0.1", OPENMETRICS)):
            with self.subTest(accept=accept):
                headers = {} if accept is None else {"Accept": accept}
                answer = self.exporter.get(headers=headers)
                self.assertEqual((answer.status, answer.headers["content-type"]), (200, expected))
                self.assertEqual(answer.body.endswith(b"# EOF\n"), expected == OPENMETRICS)
                self.assertEqual(answer.headers["vary"], "Accept, Accept-Encoding")

    def test_the_page_is_compressed_when_the_client_says_so(self):
        for accept, compressed in (
                (None, False), ("", False), ("identity", False), ("gzip", True), ("GZIP", True),
                ("gzip, deflate, br, zstd", True), ("deflate", False), ("*", True),
                ("gzip;q=0", False), ("gzip;q=0.0, *;q=1", False), ("gzip;q=0.001", True),
                ("identity;q=1, gzip;q=0.5", False), ("identity;q=0.5, gzip;q=1", True),
                ("br;q=1.0, gzip;q=0.8, *;q=0.1", True)):
            with self.subTest(accept=accept):
                headers = {} if accept is None else {"Accept-Encoding": accept}
                answer = self.exporter.get(headers=headers)
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.headers.get("content-encoding"),
                                 "gzip" if compressed else None)
                self.assertEqual(answer.body[:2] == b"\x1f\x8b", compressed)

    def test_both_formats_hold_the_same_samples(self):
        text = support.samples(self.exporter.page("?collect[]=loadavg"))
        openmetrics = support.samples(self.exporter.page("?collect[]=loadavg", Accept=OPENMETRICS))
        self.assertEqual(text.keys(), openmetrics.keys())
        self.assertEqual(text["node_load1"], openmetrics["node_load1"])


class Compression(unittest.TestCase):
    """The compressed page of all collectors of a fixture: joined pieces form one gzip member."""

    @classmethod
    def setUpClass(cls):
        cls.exporter = cls.enterClassContext(Exporter("--collector.interrupts"))

    def compressed(self, **headers):
        answer = self.exporter.get(headers={"Accept-Encoding": "gzip"} | headers)
        self.assertEqual(answer.headers["content-encoding"], "gzip")
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body))
        return answer.body

    def test_it_is_one_whole_member(self):
        for accept in (TEXT, OPENMETRICS):
            decoder = zlib.decompressobj(wbits=31)
            page = decoder.decompress(self.compressed(Accept=accept))
            self.assertTrue(decoder.eof)
            self.assertEqual((decoder.unused_data, decoder.unconsumed_tail), (b"", b""))
            self.assertGreater(len(page), 20000)

    def test_python_and_zcat_read_the_same_from_it(self):
        body = self.compressed()
        page = gzip.decompress(body)
        zcat = subprocess.run(["zcat"], input=body, capture_output=True, check=True)
        self.assertEqual((zcat.stdout, zcat.stderr), (page, b""))

    def test_it_says_what_the_plain_page_says(self):
        plain = self.exporter.page()
        compressed = gzip.decompress(self.compressed()).decode()
        self.assertEqual(self.outline(compressed), self.outline(plain))

    def test_curl_reads_it(self):
        curl = subprocess.run(["curl", "--silent", "--show-error", "--fail", "--noproxy", "*",
                               "--compressed", self.exporter.url()],
                              capture_output=True, text=True, check=True)
        self.assertEqual(self.outline(curl.stdout), self.outline(self.exporter.page()))

    def test_it_is_much_smaller(self):
        self.assertLess(len(self.compressed()) * 4, len(self.exporter.page()))

    @staticmethod
    def outline(page):
        """The page without values, which change, and interrupts, which appear and disappear."""
        return [line.rpartition(" ")[0] if not line.startswith("#") else line
                for line in page.splitlines() if not line.startswith("node_interrupts_total{")]


class Reloading(unittest.TestCase):
    def test_reload_answers_what_came_of_it(self):
        with support.folder() as folder:
            file = folder / "host.yml"
            file.write_text("")
            with Exporter(*FIXED, f"--config.file={file}", "--web.enable-lifecycle") as exporter:
                for method in ("GET", "HEAD"):
                    answer = exporter.get("/-/reload", method=method)
                    self.assertEqual((answer.status, answer.headers["allow"]), (405, "POST"))
                answer = exporter.get("/-/reload", method="POST")
                self.assertEqual((answer.status, answer.body), (200, b"reloaded\n"))
                file.write_text("colector: {}\n")
                answer = exporter.get("/-/reload", method="POST")
                self.assertEqual((answer.status, answer.body.decode()),
                                 (500, f'not reloaded: {file}:1:1: colector: unknown key, did you '
                                       'mean "collector"?\n'))
                self.assertEqual(exporter.get("/metrics").status, 200)


FAILURES = 'exporter_collector_failures_total{{collector="systemd",reason="{}"}}'
PATIENT = {"X-Prometheus-Scrape-Timeout-Seconds": str(support.START)}


class HungCollector(unittest.TestCase):
    """The systemd collector with a message bus that accepts connections and never answers."""

    def setUp(self):
        self.bus = support.HungBus(self.enterContext(support.folder()))
        self.addCleanup(self.bus.hang_up)

    def start(self, *flags):
        return self.enterContext(Exporter(*self.bus.flags, *flags, env=self.bus.env))

    def test_it_costs_its_own_samples_and_does_not_delay_the_scrape(self):
        exporter = self.start()
        failures = FAILURES.format("timeout")
        for _ in range(20):
            begin = time.monotonic()
            page = exporter.page(**{"X-Prometheus-Scrape-Timeout-Seconds": "2"})
            took = time.monotonic() - begin
            self.assertLess(took, 9)  # without the header it is 9.5
            self.assertEqual(support.collectors(page), {"systemd": False, "time": True})
            self.assertIn("node_time_seconds ", page)
            self.assertNotIn("node_systemd_", page)
            if failures in page:
                break
            # Other clients are not told that one scrape had no time.
            self.assertGreater(took, 1.49)
            self.assertFalse([line for line in exporter.log() if "collector failed" in line])
        self.assertEqual(support.samples(page)[failures], "1")
        late = exporter.wait_for_lines("collector failed")
        self.assertEqual(len(late), 1)
        self.assertIn("collector=systemd reason=timeout", late[0])
        page = exporter.page("?collect[]=time", **{"X-Prometheus-Scrape-Timeout-Seconds": "2"})
        self.assertEqual(support.collectors(page), {"time": True})

    def test_beyond_max_requests_scrapes_are_refused_and_the_one_under_way_is_served(self):
        exporter = self.start("--web.max-requests=1")
        answers = []
        hung = threading.Thread(target=lambda: answers.append(exporter.get(headers=PATIENT)))
        hung.start()
        self.bus.wait_for_client()
        refused = exporter.get()
        healthy = exporter.get("/-/healthy")
        self.assertEqual(answers, [], "the scrape was over too early")
        self.bus.hang_up()
        hung.join()
        self.assertEqual((refused.status, refused.body),
                         (503, b"more than 1 scrapes at once (--web.max-requests)\n"))
        self.assertEqual(healthy.status, 200)
        self.assertEqual(answers[0].status, 200)
        self.assertEqual(exporter.get("/metrics?collect[]=time").status, 200)

    def test_concurrent_scrapes_share_one_run(self):
        exporter = self.start()
        scrapes = [threading.Thread(target=exporter.page, kwargs={
            "X-Prometheus-Scrape-Timeout-Seconds": "2"}) for _ in range(8)]
        for scrape in scrapes:
            scrape.start()
        for scrape in scrapes:
            scrape.join()
        self.bus.wait_for_client()
        self.assertFalse(self.bus.has_client())


class Connections(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = cls.enterClassContext(Exporter(*FIXED))

    def test_a_connection_serves_many_requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.exporter.port, timeout=support.START)
        with contextlib.closing(connection):
            connection.connect()
            kept = connection.sock
            for path in ("/metrics", "/", "/nonesuch", "/metrics?collect[]=x", "/-/healthy"):
                support.ask(connection, path)
                self.assertIs(connection.sock, kept)

    def test_requests_may_be_sent_ahead_and_the_sending_side_shut(self):
        with socket.create_connection(("127.0.0.1", self.exporter.port), timeout=support.START) as client:
            client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
            client.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := client.recv(65536):
                received += chunk
        self.assertEqual(received.count(b"HTTP/1.1 200 OK\r\n"), 3)
        self.assertEqual(received.count(b"\r\n\r\nhealthy\n"), 3)


if __name__ == "__main__":
    unittest.main()
