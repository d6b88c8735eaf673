"""The process while any part of it hangs or throws: it reacts to signals at once, keeps its data, and
reports what went wrong. Uses stuck_app, whose parts do so."""

import contextlib
import errno
import os
import pathlib
import re
import signal
import subprocess
import threading
import unittest

import support
from support import EXPORTER, Exporter, Process, run

STUCK = "stuck_app"
REFUSED = "configuration not reloaded"
ENDING = (signal.SIGTERM, signal.SIGINT)


class Configured(unittest.TestCase):
    def setUp(self):
        self.file = self.enterContext(support.folder()) / "stuck.yml"

    def start(self, text, *flags):
        self.file.write_text(text)
        return self.enterContext(Exporter(f"--config.file={self.file}", *flags, name=STUCK))

    def make_fifo(self):
        """Makes a configuration that takes long to read: a FIFO that is opened, but not written."""
        self.file.unlink(missing_ok=True)
        os.mkfifo(self.file)

    def wait_for_reader(self):
        """Opens the FIFO once a reader has opened it, and keeps it open."""
        def opened():
            try:
                return os.fdopen(os.open(self.file, os.O_WRONLY | os.O_NONBLOCK), "w")
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                return None

        return self.enterContext(support.poll(opened, "the FIFO is read"))

    def assert_ends(self, process, number=signal.SIGTERM, code=0):
        process.send(number)
        self.assertEqual(process.wait(support.START), code, "\n".join(process.log()))


class Reload(Configured):
    def is_loaded(self, exporter):
        return support.samples(exporter.page())["exporter_config_last_reload_successful"] == "1"

    def test_whatever_it_throws_the_old_configuration_stays(self):
        exporter = self.start("", "--web.enable-lifecycle")
        for fault, what in (("error", "an error"), ("filesystem", "symbolic links"),
                            ("bad_alloc", "std::bad_alloc"), ("unknown", "unknown type")):
            with self.subTest(fault=fault):
                before = sum(REFUSED in line for line in exporter.log())
                self.file.write_text(f"fault: {fault}\n")
                exporter.send(signal.SIGHUP)
                self.assertIn(what, exporter.wait_for_lines(REFUSED, before + 1)[-1])
                self.assertFalse(self.is_loaded(exporter))
                answer = exporter.get("/-/reload", method="POST")
                self.assertEqual(answer.status, 500)
                self.assertIn(what, answer.body.decode())
                self.file.write_text("")
                self.assertEqual(exporter.get("/-/reload", method="POST").status, 200)
                self.assertTrue(self.is_loaded(exporter))
        self.assert_ends(exporter)

    def test_one_that_hangs_holds_up_neither_signals_nor_scrapes_and_others_follow_it(self):
        exporter = self.start("")
        self.make_fifo()
        exporter.send(signal.SIGHUP)
        writer = self.wait_for_reader()
        for _ in range(5):
            exporter.send(signal.SIGHUP)
        exporter.wait_for_lines("a reload is running, another one follows")
        self.assertTrue(self.is_loaded(exporter))
        writer.close()
        self.assertIn("an empty pipe", exporter.wait_for_lines(REFUSED)[0])
        self.wait_for_reader()  # the next reload
        self.assert_ends(exporter)

    def test_the_end_does_not_wait_for_one_that_hangs(self):
        for number in ENDING:
            with self.subTest(number=number):
                exporter = self.start("")
                self.make_fifo()
                exporter.send(signal.SIGHUP)
                self.wait_for_reader()
                self.assert_ends(exporter, number)
                self.file.unlink()

    def test_collectors_that_hang_delay_no_reload(self):
        exporter = self.start("hang: true\n", "--web.enable-lifecycle")
        for _ in range(5):
            self.assertEqual(exporter.get("/-/reload", method="POST").status, 200)
        exporter.wait_for_lines("a collector does not stop, its thread is abandoned")
        self.assert_ends(exporter)


class Start(Configured):
    def test_a_signal_ends_one_that_hangs(self):
        for number in ENDING:
            with self.subTest(number=number):
                self.make_fifo()
                process = self.enterContext(Process(
                    [EXPORTER.with_name(STUCK), f"--config.file={self.file}",
                     "--web.listen-address=127.0.0.1:0"]))
                self.wait_for_reader()
                self.assert_ends(process, number)

    def test_the_pipe_of_a_process_substitution_is_a_configuration(self):
        command = f'"{EXPORTER.with_name(STUCK)}" --config.check --config.file=<(echo "hang: false")'
        result = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                                timeout=support.START, check=False)
        self.assertEqual((result.returncode, result.stderr), (0, ""))


class Once(Configured):
    def test_a_collector_that_hangs_is_waited_for_by_its_timeout(self):
        self.file.write_text("hang: true\n")
        result = run("--once", f"--config.file={self.file}", name=STUCK)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(support.collectors(result.stdout), {"stuck": False})

    def test_signals_end_it_as_they_end_any_program(self):
        self.file.write_text("hang: true\ncollector: {stuck: {timeout: 1h}}\n")
        for number in (*ENDING, signal.SIGHUP):
            with self.subTest(number=number):
                process = self.enterContext(Process(
                    [EXPORTER.with_name(STUCK), "--once", f"--config.file={self.file}"]))
                support.poll(lambda process=process: self.hangs(process), "the collector hangs")
                self.assert_ends(process, number, code=-number)

    def test_nohup_keeps_its_word(self):
        self.make_fifo()
        process = self.enterContext(Process(
            ["nohup", EXPORTER.with_name(STUCK), "--config.check", f"--config.file={self.file}"]))
        writer = self.wait_for_reader()
        process.send(signal.SIGHUP)
        writer.write("hang: false\n")
        writer.close()
        self.assertEqual(process.wait(support.START), 0)

    @staticmethod
    def hangs(process):
        with contextlib.suppress(FileNotFoundError):
            names = pathlib.Path(f"/proc/{process.child.pid}/task").glob("*/comm")
            return "collect" in [name.read_text().strip() for name in names]
        return False


class StandardStreams(Configured):
    def test_an_output_that_cannot_be_written_is_a_failure(self):
        self.file.write_text("")
        for flags in (["--help"], ["--version"], ["--metrics.list"], ["--once"],
                      ["--config.check", f"--config.file={self.file}"]):
            for output, why in ((">/dev/full", "No space left on device"),
                                (">&-", "Bad file descriptor")):
                with self.subTest(flags=flags, output=output):
                    result = subprocess.run(
                        ["bash", "-c", f'exec "$0" "$@" {output}', EXPORTER.with_name(STUCK), *flags],
                        capture_output=True, text=True, timeout=support.START, check=False)
                    self.assertEqual((result.returncode, result.stderr),
                                     (1, f"{STUCK}: standard output: {why}\n"))

    def test_closed_ones_are_not_taken_by_files_and_sockets(self):
        exporter = self.enterContext(Exporter(
            name=STUCK, silent_port=support.free_port(),
            command=["bash", "-c", 'exec "$0" "$@" <&- >&- 2>&-']))
        exporter.page()
        self.assertEqual([os.readlink(exporter.proc(f"fd/{fd}")) for fd in range(3)],
                         ["/dev/null"] * 3)
        self.assert_ends(exporter)

    def test_a_log_that_may_not_grow_loses_lines_and_nothing_else(self):
        self.file.write_text("fail: true\n")
        log = self.file.with_name("log")
        exporter = self.enterContext(Exporter(
            f"--config.file={self.file}", name=STUCK, silent_port=support.free_port(),
            command=["bash", "-c", f'ulimit -f 8; exec "$0" "$@" 2>{log}']))
        support.poll(lambda: int(support.samples(exporter.page())["exporter_log_dropped_lines_total"]),
                     "dropped lines")
        self.assertEqual(log.stat().st_size, 8 << 10)
        self.assert_ends(exporter)


class Log(Configured):
    """Nobody reads the log. Its pipe has 64 KiB, and each failure of the collector is a line of 16 KiB."""

    FAILURES = 30

    def setUp(self):
        super().setUp()
        self.file.write_text("fail: true\n")
        self.port = support.free_port()
        self.child = self.enterContext(subprocess.Popen(
            [EXPORTER.with_name(STUCK), f"--config.file={self.file}",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
        self.addCleanup(self.child.kill)
        support.poll(lambda: self.failures() > self.FAILURES, "failures")

    def value(self, pattern):
        """The value of the first series that matches; 0 if there is none."""
        try:
            page = support.fetch(self.port, "/metrics").body.decode()
        except ConnectionRefusedError:
            return 0
        found = re.search(rf"^{pattern} (\d+)$", page, re.M)
        return int(found.group(1)) if found else 0

    def failures(self):
        return self.value(r"exporter_collector_failures_total\{.*\}")

    def dropped(self):
        return self.value("exporter_log_dropped_lines_total")

    def end(self):
        self.child.send_signal(signal.SIGTERM)
        self.assertEqual(self.child.wait(support.START), 0)

    def test_scrapes_go_on_and_a_late_reader_misses_no_line(self):
        failures, lines = self.failures(), []
        self.assertEqual(self.dropped(), 0)
        reader = threading.Thread(target=lambda: lines.extend(self.child.stderr))
        reader.start()
        self.end()
        reader.join()
        runs = [int(run) for line in lines for run in re.findall(r'error="run (\d+)\.', line)]
        self.assertGreaterEqual(len(runs), failures)
        # A run may end before the previous run has been logged.
        self.assertEqual(sorted(runs), list(range(1, len(runs) + 1)))

    def test_lines_that_are_dropped_are_counted(self):
        support.poll(self.dropped, "dropped lines")

    def test_the_end_does_not_wait_for_a_reader(self):
        self.end()


if __name__ == "__main__":
    unittest.main()
