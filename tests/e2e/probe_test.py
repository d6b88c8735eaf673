"""The probes of a running exporter: in the background, on the page, once in the log."""

import http.server
import threading
import unittest

import support
from support import Exporter


class Target:
    """A web server on a free port that answers with 200."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/health"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Probe(unittest.TestCase):
    def setUp(self):
        self.file = self.enterContext(support.folder()) / "host.yml"

    def start(self, *targets):
        self.file.write_text("collector: {probe: {enabled: true, interval: 1s, target: "
                             f"[{', '.join(targets)}]}}}}\n")
        return self.enterContext(
            Exporter("--collector.disable-defaults", f"--config.file={self.file}"))

    @staticmethod
    def success(exporter, target):
        return support.samples(exporter.page()).get(f'probe_success{{target="{target}"}}')

    def test_a_target_that_goes_is_shown_and_logged_once(self):
        with Target() as target:
            exporter = self.start(f"'{target.url}?token=hunter2'")
            support.poll(lambda: self.success(exporter, target.url) == "1", "the target is up")
        support.poll(lambda: self.success(exporter, target.url) == "0", "the target is down")
        exporter.wait_for_lines("target not reached")
        page = support.samples(exporter.page())
        reasons = {reason: page[f'probe_failure_reason{{target="{target.url}",reason="{reason}"}}']
                   for reason in ("connect", "timeout")}
        self.assertEqual(reasons, {"connect": "1", "timeout": "0"})
        self.assertEqual(exporter.stop(), 0)
        lines = [line for line in exporter.log() if "target not reached" in line]
        self.assertEqual(len(lines), 1)
        self.assertTrue(lines[0].endswith(f'target={target.url} error="connection refused"'),
                        lines[0])
        self.assertFalse([line for line in exporter.log() if "hunter2" in line])

    def test_a_faulty_target_is_refused_with_its_place_and_not_quoted(self):
        self.file.write_text("collector:\n  probe:\n    target:\n"
                             "      - tcp://127.0.0.1:1\n      - http://me:hunter2@127.0.0.1/\n")
        result = support.run("--config.check", f"--config.file={self.file}")
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{self.file}:4:7: collector.probe.target: target 2: URL: must not contain a user or a password", result.stderr)
        self.assertNotIn("hunter2", result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
