"""Reload: a changed file is used, a faulty one is not, and scrapes see no gap."""

import contextlib
import gzip
import http.client
import signal
import threading
import time
import unittest

import support
from support import SOURCE, Exporter

RELOADED, REFUSED = "configuration reloaded", "configuration not reloaded"


class Signal(unittest.TestCase):
    def setUp(self):
        self.file = self.enterContext(support.folder()) / "host.yml"

    def start(self, text):
        self.file.write_text(text)
        return self.enterContext(
            Exporter("--collector.disable-defaults", f"--config.file={self.file}"))

    def reload(self, exporter, text, outcome):
        before = sum(outcome in line for line in exporter.log())
        self.file.write_text(text)
        exporter.send(signal.SIGHUP)
        return exporter.wait_for_lines(outcome, count=before + 1)[-1]

    @staticmethod
    def state(exporter):
        """The collectors on the page, and its metrics about the configuration."""
        page = exporter.page()
        shown = support.samples(page)
        return (set(support.collectors(page)), shown["exporter_config_last_reload_successful"],
                float(shown["exporter_config_last_reload_success_timestamp_seconds"]))

    def test_a_changed_file_is_taken_over(self):
        exporter = self.start("collector: {time: {enabled: true}}\n")
        on, successful, first = self.state(exporter)
        self.assertEqual((on, successful), ({"time"}, "1"))
        self.reload(exporter, "collector: {time: {enabled: true}, loadavg: {enabled: true}}\n",
                    RELOADED)
        on, successful, second = self.state(exporter)
        self.assertEqual((on, successful), ({"time", "loadavg"}, "1"))
        self.assertGreater(second, first)

    def test_a_faulty_file_keeps_the_old_one_and_shows(self):
        exporter = self.start("collector: {time: {enabled: true}}\n")
        _, _, first = self.state(exporter)
        for text, why in (("collector: {tyme: {enabled: true}}\n",
                           f'{self.file}:1:13: collector.tyme: unknown key, did you mean \\"time\\"?'),
                          ("collector: [\n", f"{self.file}:1:12: a bracket that is not closed"),
                          ("collector: {filesystem: {enabled: true, mount-timeout: x}}\n",
                           f"{self.file}:1:56: collector.filesystem.mount-timeout: expected a "
                           "duration such as 5s or 1m30s")):
            with self.subTest(text=text):
                before = len(exporter.log())
                line = self.reload(exporter, text, REFUSED)
                self.assertIn('level=error msg="configuration not reloaded, the old one stays" '
                              f'error=', line)
                self.assertIn(why, line)
                self.assertEqual(self.state(exporter), ({"time"}, "0", first))
                self.assertEqual(len(exporter.log()), before + 1)
        self.reload(exporter, "collector: {loadavg: {enabled: true}}\n", RELOADED)
        on, successful, last = self.state(exporter)
        self.assertEqual((on, successful), ({"loadavg"}, "1"))
        self.assertGreater(last, first)

    def test_a_file_that_is_gone_keeps_the_old_one(self):
        exporter = self.start("collector: {time: {enabled: true}}\n")
        self.file.unlink()
        exporter.send(signal.SIGHUP)
        self.assertIn("No such file or directory", exporter.wait_for_lines(REFUSED)[0])
        self.assertEqual(self.state(exporter)[:2], ({"time"}, "0"))

    def test_without_a_file_it_does_no_harm(self):
        exporter = self.enterContext(Exporter("--collector.disable-defaults", "--collector.time"))
        exporter.send(signal.SIGHUP)
        exporter.wait_for_lines(RELOADED)
        self.assertEqual(self.state(exporter)[:2], ({"time"}, "1"))


class Background(unittest.TestCase):
    def test_what_slow_sources_said_stays_until_they_are_read_again(self):
        """No page after a reload lacks a project, and the exporter is always ready."""
        folder = self.enterContext(support.folder())
        config = folder / "dbt.yml"
        config.write_text(f"projects: [{{name: shop, target: {SOURCE}/examples/dbt/target}}]\n")
        exporter = self.enterContext(Exporter(f"--config.file={config}", "--web.enable-lifecycle",
                                              name="dbt_exporter"))
        support.poll(lambda: "\ndbt_node_info{" in exporter.page(), "the project")
        for _ in range(20):
            self.assertEqual(exporter.get("/-/reload", method="POST").status, 200)
            page = exporter.page()
            self.assertIn("\ndbt_node_info{", page)
            self.assertIn('dbt_up{project="shop"} 1\n', page)
            self.assertEqual(exporter.get("/-/ready").status, 200)


class WebConfigFile(unittest.TestCase):
    def test_a_faulty_one_shows_until_it_is_mended(self):
        file = self.enterContext(support.folder()) / "web.yml"
        user, password = support.WebConfig.user, support.WebConfig.password
        good = f"basic_auth_users:\n  {user}: {support.WebConfig.hash}\n"
        file.write_text(good)
        exporter = self.enterContext(
            Exporter("--collector.disable-defaults", f"--web.config.file={file}"))

        def is_shown(value):
            page = exporter.get(headers=support.basic_auth(user, password)).body.decode()
            return support.samples(page)["exporter_config_last_reload_successful"] == value

        self.assertTrue(is_shown("1"))
        for text, value in (("basic_auth_users: 5\n", "0"), (good, "1")):
            file.write_text(text)
            support.poll(lambda value=value: is_shown(value), f"the value {value}")
        statuses = [exporter.get(path).status for path in ("/-/healthy", "/-/ready", "/metrics")]
        self.assertEqual(statuses, [200, 200, 401])


class Scraper(threading.Thread):
    """Scrapes over one kept connection until stopped. Keeps the first faulty answer."""

    def __init__(self, port, encoding):
        super().__init__()
        self.port, self.encoding = port, encoding
        self.stop, self.scrapes, self.fault = threading.Event(), 0, None

    def run(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=support.START)
            with contextlib.closing(connection):
                connection.connect()
                kept = connection.sock
                while not self.stop.is_set():
                    self.check(support.ask(connection, "/metrics",
                                           headers={"Accept": support.OPENMETRICS,
                                                    "Accept-Encoding": self.encoding}))
                    self.scrapes += 1
                    if connection.sock is not kept:
                        raise AssertionError("the connection was not kept")
        except Exception as error:  # pylint: disable=broad-except
            self.fault = error

    def check(self, answer):
        body = gzip.decompress(answer.body) if self.encoding == "gzip" else answer.body
        page = body.decode()
        outcomes = support.collectors(page)
        if answer.status != 200 or not page.endswith("# EOF\n") or len(outcomes) < 15:
            raise AssertionError(f"{answer.status}: {page[:200]}...{page[-200:]}")
        failed = [name for name, good in outcomes.items() if not good]
        if failed or "node_time_seconds " not in page or "node_load1 " not in page:
            raise AssertionError(f"collectors failed: {failed}")


class Load(unittest.TestCase):
    RELOADS = 500
    WARM_UP = 50

    def test_500_reloads_under_load_lose_no_scrape_and_leak_nothing(self):
        with support.folder() as folder, contextlib.ExitStack() as stack:
            self.file = folder / "host.yml"
            self.file.write_text("")
            exporter = stack.enter_context(
                Exporter("--web.enable-lifecycle", f"--config.file={self.file}"))
            scrapers = [Scraper(exporter.port, encoding)
                        for encoding in ("gzip", "identity", "gzip", "identity")]
            for scraper in scrapers:
                scraper.start()
                stack.callback(scraper.join)
                stack.callback(scraper.stop.set)
            self.reload(exporter, range(self.WARM_UP))
            before = self.use(exporter)
            self.reload(exporter, range(self.WARM_UP, self.RELOADS))
            after = self.use_at_rest(exporter, before)
            for scraper in scrapers:
                scraper.stop.set()
            for scraper in scrapers:
                scraper.join()
                self.assertIsNone(scraper.fault)
                self.assertGreater(scraper.scrapes, 20)
            self.assert_no_more(before, after)
            self.assertEqual(exporter.stop(), 0)

    def reload(self, exporter, numbers):
        """Reloads by signal and by request in turn, each time with another file."""
        for number in numbers:
            self.file.write_text(f"collector: {{filesystem: {{stat-workers: {number % 4 + 1}}}}}\n")
            if number % 2:
                self.assertEqual(exporter.get("/-/reload", method="POST").status, 200)
            else:
                exporter.send(signal.SIGHUP)
            exporter.wait_for_lines(RELOADED, count=number + 1)

    @staticmethod
    def use(exporter):
        """The minimum of several readings, because each may include an old generation that is about to
        end."""
        readings = []
        for _ in range(20):
            exporter.page()
            readings.append((exporter.descriptors(), exporter.threads(),
                             exporter.resident_bytes()))
        return [min(kind) for kind in zip(*readings, strict=True)]

    def use_at_rest(self, exporter, before):
        """On a busy machine old generations end late; leaks remain."""
        give_up = time.monotonic() + support.START
        while True:
            after = self.use(exporter)
            try:
                self.assert_no_more(before, after)
                return after
            except AssertionError:
                if time.monotonic() > give_up:
                    return after

    def assert_no_more(self, before, after):
        for what, old, new, slack in zip(("descriptors", "threads"), before, after, (8, 4)):
            self.assertLessEqual(new, old + slack, what)
        if not support.SANITIZED:
            self.assertLessEqual(after[2], before[2] + (4 << 20), "resident memory")


if __name__ == "__main__":
    unittest.main()
