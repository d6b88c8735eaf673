"""host_exporter with few descriptors, with paths in any spelling, and with files in unknown layouts."""

import re
import resource
import socket
import unittest

import support
from support import Exporter, run

ALL = ("--collector.interrupts", "--collector.processes", "--collector.slabinfo", "--collector.softirqs",
       "--collector.tcpstat", "--collector.zoneinfo")
FEWEST = 64


def few(limit):
    """Options for a process that may open only that many files."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))}


def lasting(page):
    """The families that a machine has as long as it runs."""
    return {name for name in support.families(page)
            if name.startswith(("node_cpu", "node_disk", "node_memory", "node_network", "node_softnet"))}


class Descriptors(unittest.TestCase):
    def test_with_few_each_collector_works_on_every_page(self):
        with Exporter(*ALL) as exporter:
            working = {name for name, works in support.collectors(exporter.page()).items() if works}
            families = lasting(exporter.page())
        for limit in (FEWEST, FEWEST + 1, 80, 100, 200):
            with self.subTest(limit=limit), Exporter(*ALL, **few(limit)) as exporter:
                for _ in range(3):
                    page = exporter.page()
                    failing = {name for name, works in support.collectors(page).items() if not works}
                    self.assertEqual(failing & working, set())
                    self.assertEqual(lasting(page), families)

    def test_with_fewer_it_does_not_start_and_says_what_it_needs(self):
        for limit in (16, 32, 48, FEWEST - 1):
            with self.subTest(limit=limit):
                refused = run("--once", **few(limit))
                self.assertEqual(refused.returncode, 1)
                self.assertIn(f"the limit of open files (ulimit -n) is {limit}: expected at least {FEWEST}",
                              refused.stderr)

    def test_each_probe_needs_more(self):
        with socket.create_server(("127.0.0.1", 0), backlog=200) as server:
            port = server.getsockname()[1]
            targets = [f"--collector.probe.target=http://127.0.0.1:{port}/{i}" for i in range(100)]
            flags = ("--once", "--collector.probe.target-timeout=1s", *targets)
            refused = run(*flags, **few(FEWEST + 199))
            self.assertEqual(refused.returncode, 1)
            self.assertIn(f"is {FEWEST + 199}: expected at least {FEWEST + 200}", refused.stderr)
            page = run(*flags, **few(FEWEST + 200)).stdout
            waiting = 'probe_failure_reason{target="[^"]*",reason="timeout"} 1\n'
            self.assertEqual(len(re.findall(waiting, page)), 100)
            self.assertNotIn("exporter_collector_success{collector=\"probe\"} 0", page)


class Paths(unittest.TestCase):
    """Paths with any number of slashes mean the same."""

    def setUp(self):
        self.machine = self.enterContext(support.folder())

    def page(self, *flags):
        ended = run("--once", "--collector.disable-defaults", *flags)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def spellings(self, path):
        return str(path), f"{path}/", f"{path}//", str(path).replace("/", "//")

    def test_mount_points_are_those_of_the_host(self):
        host = self.machine / "host"
        (host / "data").mkdir(parents=True)
        (self.machine / "self").mkdir()
        (self.machine / "self/mountinfo").write_text(
            f"30 1 8:1 / {host} rw - ext4 /dev/sda1 rw\n31 30 8:2 / {host}/data rw - ext4 /dev/sda2 rw\n")
        for rootfs in self.spellings(host):
            with self.subTest(rootfs):
                page = self.page("--collector.filesystem", f"--path.procfs={self.machine}",
                                 f"--path.rootfs={rootfs}")
                self.assertEqual(re.findall('node_filesystem_size_bytes.*mountpoint="([^"]*)"', page),
                                 ["/", "/data"])

    def test_text_files_have_one_name(self):
        (self.machine / "a.prom").write_text("a 1\n")
        for directory in self.spellings(self.machine):
            with self.subTest(directory):
                page = self.page("--collector.textfile", f"--collector.textfile.directory={directory}")
                self.assertIn(f'node_textfile_mtime_seconds{{file="{self.machine}/a.prom"}}', page)

    def test_other_trees_are_read(self):
        (self.machine / "proc").mkdir()
        (self.machine / "proc/loadavg").write_text("1 2 3 1/2 3\n")
        (self.machine / "proc/diskstats").write_text("8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n")
        (self.machine / "sys/block/sda/queue").mkdir(parents=True)
        (self.machine / "sys/block/sda/queue/rotational").write_text("1\n")
        (self.machine / "udev").mkdir()
        (self.machine / "udev/b8:0").write_text("E:ID_MODEL=disk\n")
        for root in self.spellings(self.machine):
            with self.subTest(root):
                page = self.page("--collector.loadavg", "--collector.diskstats", f"--path.procfs={root}/proc/",
                                 f"--path.sysfs={root}/sys/", f"--path.udev.data={root}/udev/")
                self.assertIn("node_load1 1\n", page)
                self.assertIn('model="disk"', page)
                self.assertIn('rotational="1"', page)

    def test_a_socket_is_one_engine(self):
        twice = run("--once", f"--collector.container.socket={self.machine}/engine",
                    f"--collector.container.socket=unix://{self.machine}//engine")
        self.assertEqual(twice.returncode, 1)
        self.assertIn("duplicate", twice.stderr)


class Layouts(unittest.TestCase):
    def said_of(self, name):
        """The log messages about the files of that fixture in three scrapes, all of which succeed."""
        collector = name.partition("/")[0]
        procfs = support.SOURCE / "tests/fixtures/host" / name / "proc"
        with Exporter("--collector.disable-defaults", f"--collector.{collector}",
                      f"--path.procfs={procfs}") as exporter:
            for _ in range(3):
                self.assertEqual(support.collectors(exporter.page()), {collector: True})
            exporter.stop()
            return [line for line in exporter.log() if "left out" in line]

    def test_a_file_of_another_maker_is_named_once_and_no_failure(self):
        for name, file in (("mdadm/unraid", "mdstat"), ("netstat/gvisor", "netstat"), ("cpu/sum_only", "stat")):
            with self.subTest(name):
                said = self.said_of(name)
                self.assertEqual(len(said), 1, said)
                self.assertIn("an unknown layout", said[0])
                self.assertIn(f"/{file} ", said[0])

    def test_each_empty_file_is_named_once_and_no_failure(self):
        for name, files in (("stat/empty", ["stat"]), ("interrupts/empty", ["interrupts"]),
                            ("pressure/empty", ["cpu", "io", "memory", "irq"])):
            with self.subTest(name):
                said = self.said_of(name)
                self.assertEqual(len(said), len(files), said)
                for file in files:
                    self.assertTrue(any("empty file" in line and f"/{file}" in line for line in said), said)


if __name__ == "__main__":
    unittest.main()
