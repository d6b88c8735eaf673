"""The end of an exporter: at once, with code 0, and with every answer complete."""

import contextlib
import http.client
import signal
import socket
import threading
import time
import unittest

import support
from support import Exporter

LIMIT = 2 * (3 if support.SANITIZED else 1)
ALONE = ("--collector.disable-defaults", "--collector.time")


def end(exporter, number):
    """Sends the signal; the exit code, and the seconds until then."""
    begin = time.monotonic()
    exporter.send(number)
    code = exporter.wait(support.START)
    return code, time.monotonic() - begin


class Shutdown(unittest.TestCase):
    def assert_ends(self, exporter, number=signal.SIGTERM):
        code, took = end(exporter, number)
        self.assertEqual(code, 0, "\n".join(exporter.log()))
        self.assertLess(took, LIMIT)
        stopping = [line for line in exporter.log() if "msg=stopping" in line]
        self.assertEqual(len(stopping), 1)
        self.assertIn(f"signal={signal.Signals(number).name}", stopping[0])
        with self.assertRaises(ConnectionRefusedError):
            exporter.get()

    def test_an_idle_exporter(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number), Exporter(*ALONE) as exporter:
                exporter.page()
                self.assert_ends(exporter, number)

    def test_a_scrape_under_way_is_finished(self):
        tree = support.SlowTree(self.enterContext(support.folder()), 0.5)
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number), Exporter(*tree.flags) as exporter:
                idle = exporter.cpu_ticks()
                answers = []
                scrape = threading.Thread(target=lambda: answers.append(exporter.get()))
                scrape.start()
                support.poll(lambda: exporter.cpu_ticks() > idle + 5, "the scrape runs")
                self.assertEqual(answers, [], "the scrape was over too early")
                self.assert_ends(exporter, number)
                scrape.join()
                self.assertEqual(answers[0].status, 200)
                self.assertEqual(support.collectors(answers[0].body.decode()),
                                 {"slabinfo": True, "time": True})
                self.assertEqual(answers[0].headers["connection"].lower(), "close")

    def test_a_scrape_that_takes_too_long_is_left_behind(self):
        tree = support.SlowTree(self.enterContext(support.folder()), 8)
        with Exporter(*tree.flags) as exporter:
            idle = exporter.cpu_ticks()
            with socket.create_connection(("127.0.0.1", exporter.port)) as client:
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
                support.poll(lambda: exporter.cpu_ticks() > idle + 5, "the scrape runs")
                self.assert_ends(exporter)

    def test_idle_connections_do_not_delay_it(self):
        with Exporter(*ALONE) as exporter, contextlib.ExitStack() as stack:
            for _ in range(50):
                kept = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=10)
                stack.callback(kept.close)
                self.assertEqual(support.ask(kept, "/-/healthy").status, 200)
            for begun in (b"", b"GET /metrics HT", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"):
                client = socket.create_connection(("127.0.0.1", exporter.port))
                stack.callback(client.close)
                client.sendall(begun)
            self.assert_ends(exporter)

    def test_a_client_that_does_not_read_does_not_delay_it(self):
        with support.folder() as proc, contextlib.ExitStack() as stack:
            rows = "".join(f"slab-{i:06} 1 2 3 4 5 : tunables 0 0 0 : slabdata 1 2 0\n"
                           for i in range(20000))
            (proc / "slabinfo").write_text(
                "slabinfo - version: 2.1\n# name <active_objs> ...\n" + rows)
            exporter = stack.enter_context(Exporter(
                "--collector.disable-defaults", "--collector.slabinfo", f"--path.procfs={proc}"))
            self.assertGreater(len(exporter.page()), 4 << 20)
            slow = socket.socket()
            stack.callback(slow.close)
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", exporter.port))
            slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(slow.recv(1024).startswith(b"HTTP/1.1 200 OK\r\n"))
            self.assert_ends(exporter)

    def test_under_load_every_answer_is_whole(self):
        with Exporter() as exporter:
            scrapers = [Scraper(exporter.port) for _ in range(4)]
            for scraper in scrapers:
                scraper.start()
            support.poll(lambda: all(scraper.whole >= 5 for scraper in scrapers), "scrapes")
            self.assert_ends(exporter)
            for scraper in scrapers:
                scraper.join()
                self.assertIsNone(scraper.fault)


class Scraper(threading.Thread):
    """Scrapes over one connection after the other until it is refused; notes an answer that is not
    whole. A request that the exporter did not begin to answer does not count: its connection was
    closed while the request was on its way."""

    def __init__(self, port):
        super().__init__()
        self.port, self.whole, self.fault = port, 0, None

    def run(self):
        try:
            while True:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                with contextlib.closing(connection):
                    connection.connect()
                    self.use(connection)
        except ConnectionRefusedError:
            return
        except Exception as error:  # pylint: disable=broad-except
            self.fault = error

    def use(self, connection):
        while True:
            try:
                answer = support.ask(connection, "/metrics", headers={"Accept": support.OPENMETRICS})
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                return
            if answer.status != 200 or not answer.body.endswith(b"# EOF\n"):
                raise AssertionError(f"{answer.status}: ...{answer.body[-100:]}")
            self.whole += 1
            if answer.headers.get("connection", "").lower() == "close":
                return


if __name__ == "__main__":
    unittest.main()
