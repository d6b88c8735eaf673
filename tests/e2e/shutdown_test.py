"""An exporter exits at once, with code 0, and completes every reply."""

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
ENDS = (signal.SIGTERM, signal.SIGINT)


class Shutdown(unittest.TestCase):
    def end(self, exporter, number=signal.SIGTERM):
        exporter.send(number)
        code = exporter.wait(support.START)
        self.assertEqual(code, 0, "\n".join(exporter.log()))
        stopping = [line for line in exporter.log() if "msg=stopping" in line]
        self.assertEqual(len(stopping), 1)
        self.assertIn(f"signal={signal.Signals(number).name}", stopping[0])
        with self.assertRaises(ConnectionRefusedError):
            exporter.get()

    def assert_ends_in_time(self, serving, number=signal.SIGTERM):
        """`serving` starts an exporter, and keeps it busy until the end of the stack."""
        def attempt():
            with contextlib.ExitStack() as stack:
                exporter = serving(stack)
                begin = time.monotonic()
                self.end(exporter, number)
                return time.monotonic() - begin, None

        support.in_time(LIMIT, attempt)

    def test_an_idle_exporter(self):
        def serving(stack):
            exporter = stack.enter_context(Exporter(*ALONE))
            exporter.page()
            return exporter

        for number in ENDS:
            with self.subTest(number=number):
                self.assert_ends_in_time(serving, number)

    def test_a_scrape_under_way_is_finished(self):
        for number in ENDS:
            with self.subTest(number=number), support.folder() as folder:
                bus = support.HungBus(folder)
                with Exporter(*bus.flags, env=bus.env) as exporter:
                    answers = []
                    patient = {"X-Prometheus-Scrape-Timeout-Seconds": str(support.START)}
                    scrape = threading.Thread(
                        target=lambda: answers.append(exporter.get(headers=patient)))
                    scrape.start()
                    bus.wait_for_client()
                    idle = http.client.HTTPConnection("127.0.0.1", exporter.port,
                                                      timeout=support.START)
                    idle.request("GET", "/-/healthy")
                    idle.getresponse().read()
                    exporter.send(number)
                    exporter.wait_for_lines("msg=stopping")
                    # Idle connections are closed first if all other connections are to be the last.
                    self.assertEqual(idle.sock.recv(1), b"")
                    idle.close()
                    self.assertEqual(answers, [], "the scrape was over too early")
                    bus.hang_up()
                    self.assertEqual(exporter.wait(support.START), 0, exporter.log())
                    scrape.join()
                self.assertEqual(answers[0].status, 200)
                self.assertEqual(support.collectors(answers[0].body.decode()),
                                 {"systemd": False, "time": True})
                self.assertEqual(answers[0].headers["connection"].lower(), "close")

    def test_a_scrape_that_takes_too_long_is_left_behind(self):
        tree = support.SlowTree(self.enterContext(support.folder()), 8)

        def serving(stack):
            exporter = stack.enter_context(Exporter(*tree.flags))
            idle = exporter.cpu_ticks()
            client = stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port)))
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            support.poll(lambda: exporter.cpu_ticks() > idle + 5, "the scrape runs")
            return exporter

        self.assert_ends_in_time(serving)

    def test_a_collector_that_hangs_does_not_delay_it(self):
        def serving(stack):
            bus = support.HungBus(stack.enter_context(support.folder()))
            stack.callback(bus.hang_up)
            exporter = stack.enter_context(Exporter(*bus.flags, env=bus.env))
            page = exporter.page(**{"X-Prometheus-Scrape-Timeout-Seconds": "0.2"})
            self.assertFalse(support.collectors(page)["systemd"])
            return exporter

        self.assert_ends_in_time(serving)

    def test_idle_connections_do_not_delay_it(self):
        def serving(stack):
            exporter = stack.enter_context(Exporter(*ALONE))
            for _ in range(50):
                kept = http.client.HTTPConnection("127.0.0.1", exporter.port, timeout=support.START)
                stack.callback(kept.close)
                self.assertEqual(support.ask(kept, "/-/healthy").status, 200)
            for begun in (b"", b"GET /metrics HT", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", exporter.port)))
                client.sendall(begun)
            return exporter

        self.assert_ends_in_time(serving)

    def test_a_client_that_does_not_read_does_not_delay_it(self):
        proc = self.enterContext(support.folder())
        rows = "".join(f"slab-{i:06} 1 2 3 4 5 : tunables 0 0 0 : slabdata 1 2 0\n"
                       for i in range(20000))
        (proc / "slabinfo").write_text(
            "slabinfo - version: 2.1\n# name <active_objs> ...\n" + rows)

        def serving(stack):
            exporter = stack.enter_context(Exporter(
                "--collector.disable-defaults", "--collector.slabinfo", f"--path.procfs={proc}"))
            self.assertGreater(len(exporter.page()), 4 << 20)
            slow = stack.enter_context(socket.socket())
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", exporter.port))
            slow.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(slow.recv(1024).startswith(b"HTTP/1.1 200 OK\r\n"))
            return exporter

        self.assert_ends_in_time(serving)

    def test_under_load_every_answer_is_whole(self):
        scrapers = []

        def serving(stack):
            exporter = stack.enter_context(Exporter())
            mine = [Scraper(exporter.port) for _ in range(4)]
            scrapers.extend(mine)
            for scraper in mine:
                scraper.start()
                stack.callback(scraper.join)
            support.poll(lambda: all(scraper.whole >= 5 for scraper in mine), "scrapes")
            return exporter

        self.assert_ends_in_time(serving)
        self.assertEqual([scraper.fault for scraper in scrapers], [None] * len(scrapers))


class Scraper(threading.Thread):
    """Scrapes over new connections until one is refused. Keeps an incomplete reply. A request whose
    reply did not start does not count: its connection was closed while the request was on its way."""

    def __init__(self, port):
        super().__init__()
        self.port, self.whole, self.fault = port, 0, None

    def run(self):
        try:
            while True:
                connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                        timeout=support.START)
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
