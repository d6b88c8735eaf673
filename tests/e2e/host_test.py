"""What host_exporter does as it was started, with few descriptors."""

import re
import resource
import unittest

import support
from support import Exporter, run

ALL = ("--collector.interrupts", "--collector.processes", "--collector.slabinfo", "--collector.softirqs",
       "--collector.tcpstat", "--collector.zoneinfo")
FEWEST = 64


def few(limit):
    """Flags of a process that may open so many files."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))}


def names(page):
    return {re.split("[{ ]", series)[0] for series in support.samples(page)}


class Descriptors(unittest.TestCase):
    def test_with_few_each_collector_works_on_every_page(self):
        with Exporter(*ALL) as exporter:
            working = {name for name, works in support.collectors(exporter.page()).items() if works}
            families = names(exporter.page())
        for limit in (FEWEST, FEWEST + 1, 80, 100, 200):
            with self.subTest(limit=limit), Exporter(*ALL, **few(limit)) as exporter:
                for _ in range(3):
                    page = exporter.page()
                    failing = {name for name, works in support.collectors(page).items() if not works}
                    self.assertEqual(failing & working, set())
                    self.assertEqual(names(page), families)

    def test_with_fewer_it_does_not_start_and_says_what_it_needs(self):
        for limit in (16, 32, 48, FEWEST - 1):
            with self.subTest(limit=limit):
                refused = run("--once", **few(limit))
                self.assertEqual(refused.returncode, 1)
                self.assertIn(f"the limit of open files (ulimit -n) is {limit}: expected at least {FEWEST}",
                              refused.stderr)


if __name__ == "__main__":
    unittest.main()
