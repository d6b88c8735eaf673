"""The addresses on which an exporter listens, and its errors if it cannot."""

import shutil
import socket
import subprocess
import unittest

import support
from support import EXPORTER, Exporter, run

ALONE = ("--collector.disable-defaults", "--collector.time")


def has_ipv6():
    try:
        support.free_port("::1")
        return True
    except OSError:
        return False


def listening(*addresses):
    return [f"--web.listen-address={address}" for address in addresses]


class Addresses(unittest.TestCase):
    def test_ipv4_alone(self):
        with Exporter(*ALONE, *listening("127.0.0.1:0")) as exporter:
            self.assertEqual(exporter.get().status, 200)
            self.assertEqual(exporter.address, f"127.0.0.1:{exporter.port}")
            with self.assertRaises(ConnectionRefusedError):
                support.fetch(exporter.port, "/metrics", host="127.0.0.2")

    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_ipv6_alone(self):
        with Exporter(*ALONE, *listening("[::1]:0")) as exporter:
            self.assertEqual(exporter.address, f"[::1]:{exporter.port}")
            self.assertEqual(support.fetch(exporter.port, "/metrics", host="::1").status, 200)
            with self.assertRaises(ConnectionRefusedError):
                exporter.get()

    @unittest.skipUnless(has_ipv6(), "no IPv6 here")
    def test_without_a_host_it_is_every_address_of_both_kinds(self):
        with Exporter(*ALONE, *listening(":0")) as exporter:
            for host in ("127.0.0.1", "127.0.0.2", "::1"):
                self.assertEqual(support.fetch(exporter.port, "/metrics", host=host).status, 200)

    def test_a_name_may_stand_for_the_address(self):
        with Exporter(*ALONE, *listening("localhost:0")) as exporter:
            self.assertEqual(exporter.get().status, 200)

    def test_there_may_be_several(self):
        flags = listening("127.0.0.1:0", "127.0.0.2:0", "127.0.0.3:0")
        with Exporter(*ALONE, *flags) as exporter:
            lines = exporter.wait_for_lines("listening", count=3)
            for host, line in zip(("127.0.0.1", "127.0.0.2", "127.0.0.3"), lines, strict=True):
                port = int(line.rpartition(f"{host}:")[2].split()[0])
                self.assertEqual(support.fetch(port, "/-/healthy", host=host).status, 200)
            self.assertEqual(exporter.stop(), 0)

    def test_a_port_is_free_again_at_once(self):
        port = support.free_port()
        for _ in range(3):
            with Exporter(*ALONE, *listening(f"127.0.0.1:{port}")) as exporter:
                self.assertEqual(exporter.get().status, 200)
                self.assertEqual(exporter.stop(), 0)


class Refusals(unittest.TestCase):
    def refusal(self, *flags):
        """The only error line. Checks that no line reports that it listens."""
        result = run(*ALONE, *flags)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertNotIn("listening", result.stderr)
        errors = [line for line in result.stderr.splitlines() if "level=error" in line]
        self.assertEqual(len(errors), 1, result.stderr)
        return errors[0]

    def test_a_port_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            self.assertIn(f'error="cannot listen on {address}: Address already in use; choose '
                          'another with --web.listen-address"', self.refusal(*listening(address)))

    def test_one_of_several_that_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            self.assertIn(f"cannot listen on {address}: ",
                          self.refusal(*listening("127.0.0.1:0", address)))

    def test_what_is_no_address(self):
        for address, why in (("9100", "expected HOST:PORT"),
                             ("::1:9100", "an IPv6 address needs brackets, as in [::1]:9100"),
                             ("127.0.0.1:http", "the port is not a number from 0 to 65535"),
                             ("127.0.0.1:65536", "the port is not a number from 0 to 65535"),
                             ("127.0.0.1:-1", "the port is not a number from 0 to 65535"),
                             ("192.0.2.1:9100", "Cannot assign requested address")):
            with self.subTest(address=address):
                self.assertIn(f'error="cannot listen on {address}: {why}; choose another with '
                              '--web.listen-address"', self.refusal(*listening(address)))

    def test_systemd_passed_no_socket(self):
        self.assertIn("--web.systemd-socket: systemd passed no socket to this process",
                      self.refusal("--web.systemd-socket"))


class Activation(unittest.TestCase):
    @unittest.skipUnless(shutil.which("systemd-socket-activate"), "needs Debian's systemd")
    def test_systemd_starts_it_with_the_first_connection(self):
        ports = [support.free_port(), support.free_port()]
        command = ["systemd-socket-activate", *(f"--listen=127.0.0.1:{port}" for port in ports),
                   EXPORTER, "--web.systemd-socket", *ALONE]
        with support.Process(command) as activated:
            activated.wait_for_lines("Listening on", count=2)
            for port in ports:
                self.assertEqual(support.fetch(port, "/metrics").status, 200)
            self.assertEqual(len(activated.wait_for_lines("msg=listening", count=2)), 2)
            self.assertEqual(activated.stop(), 0)

    def test_sockets_are_taken_over_and_stay_with_their_owner(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            for _ in range(2):
                with Exporter(*ALONE, "--web.systemd-socket", command=self.passing(listener),
                              pass_fds=[listener.fileno()]) as exporter:
                    self.assertEqual(exporter.address, f"127.0.0.1:{port}")
                    self.assertEqual(exporter.get().status, 200)
                    self.assertEqual(exporter.stop(), 0)
            # A client may connect although nobody accepts: the next exporter will serve it.
            with socket.create_connection(("127.0.0.1", port), timeout=support.START) as early:
                early.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                with Exporter(*ALONE, "--web.systemd-socket", command=self.passing(listener),
                              pass_fds=[listener.fileno()]):
                    with early.makefile("rb") as answer:
                        self.assertTrue(answer.read().endswith(b"healthy\n"))

    def test_a_socket_that_does_not_listen_is_refused(self):
        with socket.socket() as idle:
            result = subprocess.run([*self.passing(idle), EXPORTER, "--web.systemd-socket", *ALONE],
                                    pass_fds=[idle.fileno()], capture_output=True, text=True,
                                    timeout=support.START, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("--web.systemd-socket: descriptor 3 is not a listening TCP socket",
                      result.stderr)

    @staticmethod
    def passing(passed):
        """A command before the exporter that passes a socket as systemd does (sd_listen_fds(3))."""
        return ["sh", "-c", f'LISTEN_FDS=1 LISTEN_PID=$$ exec "$@" 3<&{passed.fileno()}', "sh"]


if __name__ == "__main__":
    unittest.main()
