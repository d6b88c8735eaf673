"""--health-check, which HEALTHCHECK runs in a container."""

import contextlib
import http.server
import shutil
import signal
import subprocess
import threading
import time
import unittest

import support
from support import EXPORTER, Exporter, Process, WebConfig, folder

ALONE = ("--collector.disable-defaults", "--collector.time")
BOUND = 5  # a check has a timeout of 3 s; the rest is for starting the program


def check(*flags, program=EXPORTER):
    """The exit code, the standard output and the standard error of a check. Fails if it takes too long."""
    def measure():
        begin = time.monotonic()
        result = subprocess.run([program, "--health-check", *flags], env=support.environment(None),
                                timeout=support.START, capture_output=True, text=True, check=False)
        return time.monotonic() - begin, (result.returncode, result.stdout, result.stderr)

    return support.in_time(BOUND, measure)


HEALTHY = (0, "healthy\n", "")


def unhealthy(port, why, scheme="http", host="127.0.0.1"):
    return 1, "", f"host_exporter: {scheme}://{host}:{port}/-/healthy: {why}\n"


def at(address):
    return f"--web.listen-address={address}"


class Asked(unittest.TestCase):
    """Checks the address in the web flags."""

    def test_one_that_serves_is_healthy(self):
        with Exporter(*ALONE) as exporter:
            self.assertEqual(check(at(exporter.address)), HEALTHY)

    def test_one_that_listens_on_every_address_is_asked_on_loopback(self):
        with Exporter(*ALONE, at("0.0.0.0:0")) as exporter:
            for address in ("", "0.0.0.0"):
                self.assertEqual(check(at(f"{address}:{exporter.port}")), HEALTHY)

    def test_all_listeners_are_asked(self):
        free = support.free_port()
        with Exporter(*ALONE) as exporter:
            self.assertEqual(check(at(exporter.address), at(f"127.0.0.1:{free}")),
                             unhealthy(free, "Couldn't connect to server"))

    def test_one_that_is_stopped_is_not(self):
        with Exporter(*ALONE) as exporter:
            exporter.send(signal.SIGSTOP)
            self.assertEqual(check(at(exporter.address)),
                             unhealthy(exporter.port, "Timeout was reached"))
            exporter.send(signal.SIGCONT)
            self.assertEqual(check(at(exporter.address)), HEALTHY)

    def test_one_whose_scrapes_hang_is(self):
        with folder() as path:
            bus = support.HungBus(path)
            with Exporter(*bus.flags, env=bus.env) as exporter:
                hangs = {"X-Prometheus-Scrape-Timeout-Seconds": str(support.START)}
                scrape = threading.Thread(target=exporter.get, kwargs={"headers": hangs})
                scrape.start()
                bus.wait_for_client()
                self.assertEqual(check(at(exporter.address)), HEALTHY)
                self.assertTrue(scrape.is_alive())
                bus.hang_up()
                scrape.join()

    def test_someone_else_on_the_port_is_not(self):
        with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
            thread = threading.Thread(target=other.handle_request)
            thread.start()
            self.assertEqual(check(at(f"127.0.0.1:{other.server_port}")),
                             unhealthy(other.server_port, "status 501"))
            thread.join()

    def test_users_and_a_certificate_that_nobody_signed_do_not_matter(self):
        with folder() as path:
            web = f"--web.config.file={WebConfig(path).file}"
            with Exporter(*ALONE, web) as exporter:
                self.assertEqual(check(at(exporter.address), web), HEALTHY)
                exporter.send(signal.SIGSTOP)
                self.assertEqual(check(at(exporter.address), web),
                                 unhealthy(exporter.port, "Timeout was reached", "https"))

    def test_one_that_demands_client_certificates_is_healthy_when_it_says_so(self):
        with folder() as path:
            config = WebConfig(path)
            for versions in ("TLS12", "TLS13"):
                config.file.write_text(
                    "tls_server_config:\n  cert_file: certificate.pem\n  key_file: key.pem\n"
                    "  client_auth_type: RequireAndVerifyClientCert\n"
                    f"  client_ca_file: certificate.pem\n  max_version: {versions}\n")
                web = f"--web.config.file={config.file}"
                with Exporter(*ALONE, web) as exporter:
                    self.assertEqual(check(at(exporter.address), web), HEALTHY)
                    exporter.send(signal.SIGSTOP)
                    self.assertEqual(check(at(exporter.address), web),
                                     unhealthy(exporter.port, "Timeout was reached", "https"))

    def test_sockets_of_systemd_have_no_address_to_ask(self):
        self.assertEqual(
            check("--web.systemd-socket", "--web.config.file="),
            (1, "", "host_exporter: --health-check: give the address of systemd's sockets with --web.listen-address\n"))


class Found(unittest.TestCase):
    """Without web flags, checks the exporter that runs here. A copy of the program finds only its own processes."""

    @staticmethod
    @contextlib.contextmanager
    def program():
        with folder() as path:
            yield shutil.copy(EXPORTER, path / "host_exporter")

    def test_the_one_that_runs_is_asked_where_it_listens(self):
        with self.program() as program:
            port = support.free_port()
            with Process([program, *ALONE, at(f"127.0.0.1:{port}")]) as process:
                process.wait_for_lines("listening")
                self.assertEqual(check(program=program), HEALTHY)
                process.send(signal.SIGSTOP)
                self.assertEqual(check(program=program), unhealthy(port, "Timeout was reached"))

    def test_its_web_configuration_is_used(self):
        with self.program() as program, folder() as path:
            web = f"--web.config.file={WebConfig(path).file}"
            port = support.free_port()
            with Process([program, *ALONE, at(f"127.0.0.1:{port}"), web]) as process:
                process.wait_for_lines("listening")
                self.assertEqual(check(program=program), HEALTHY)

    def test_without_one_the_default_port_is_asked(self):
        with self.program() as program:
            code, _, error = check(program=program)
            if code:  # nothing on this machine listens there
                self.assertEqual(error, unhealthy(19100, "Couldn't connect to server")[2])


if __name__ == "__main__":
    unittest.main()
