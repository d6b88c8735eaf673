"""The test's own PostgreSQL with a standby and a subscriber, and MariaDB with a replica, on free ports in a
directory. None of them runs as root; as root, the test runs them as Debian's users."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time

from ports import free_port

BOUND = 60  # seconds to wait for the start or the end of a server, or for a state
PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]


def wait_until(condition, what):
    end = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"gave up waiting: {what}")
        time.sleep(0.2)


class Server:
    """A server's process, with its own directory."""

    end = signal.SIGTERM

    def __init__(self, top, name, user):
        self.place, self.port, self.process = top / name, free_port(), None
        self.data = self.place / "data"
        self.place.mkdir()
        self.options = {"cwd": "/"}
        if os.getuid() == 0:
            shutil.chown(self.place, user)
            self.options |= {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": ()}
        self.log = open(top / f"{name}.log", "ab")

    def run(self, *words):
        subprocess.run(list(map(str, words)), check=True, stdout=self.log, stderr=self.log, timeout=BOUND, **self.options)

    def launch(self, *words):
        self.process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, **self.options)  # fmt: skip
        wait_until(self.answers, f"{self.place.name} answers")

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(self.end)
        try:
            self.process.wait(BOUND)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(BOUND)
        self.process = None

    def client(self, sql):
        return subprocess.run(self.client_words(), input=sql, capture_output=True, text=True, timeout=BOUND)

    def answers(self):
        return self.client("SELECT 1").returncode == 0

    def wait_for_user(self, name):
        wait_until(lambda: self.query(self.users.format(name)) == "1", f"{self.place.name} has the user {name}")

    def query(self, sql):
        done = self.client(sql)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout.strip()


class PostgreSql(Server):
    end = signal.SIGINT  # does not wait for clients
    users = "SELECT count(*) FROM pg_roles WHERE rolname = '{}'"

    def __init__(self, top, name, primary=None):
        super().__init__(top, name, "postgres")
        if primary is None:
            self.run(PROGRAMS / "initdb", "--auth=trust", "--username=admin", "--no-sync", "--pgdata", self.data)
        else:
            self.run(PROGRAMS / "pg_basebackup", "--host=127.0.0.1", f"--port={primary.port}", "--username=admin",
                     "--checkpoint=fast", "--no-sync", "--write-recovery-conf", "--create-slot", "--slot=standby",
                     "--pgdata", self.data)  # fmt: skip
        self.start()

    def start(self):
        settings = {"fsync": "off", "wal_level": "logical", "shared_buffers": "16MB", "listen_addresses": "127.0.0.1",
                    "unix_socket_directories": "", "wal_retrieve_retry_interval": "200ms",
                    "wal_receiver_status_interval": "1s"}  # fmt: skip
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        self.launch(PROGRAMS / "postgres", "-D", self.data, "-p", self.port, *words)

    def grant(self, sql):
        self.query(sql)

    def client_words(self):
        return ["psql", "--no-psqlrc", "--host=127.0.0.1", f"--port={self.port}", "--username=admin", "--tuples-only",
                "--no-align", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname=postgres"]  # fmt: skip

    def odbc(self):
        return f"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={self.port};Database=postgres;Uid=admin"


class MariaDb(Server):
    users = "SELECT count(*) FROM mysql.user WHERE user = '{}'"

    def __init__(self, top, name, number):
        super().__init__(top, name, "mysql")
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                 "--auth-root-authentication-method=normal")  # fmt: skip
        self.launch("mariadbd", "--no-defaults", f"--datadir={self.data}", "--bind-address=127.0.0.1",
                    f"--port={self.port}", f"--socket={self.place}/s", f"--server-id={number}", "--log-bin=log",
                    "--innodb-buffer-pool-size=16M")  # fmt: skip
        self.query("SET sql_log_bin = 0; CREATE USER monitor@'127.0.0.1'; "
                   "GRANT SELECT, REPLICA MONITOR, REPLICATION REPLICA ON *.* TO monitor@'127.0.0.1'")  # fmt: skip

    def grant(self, sql):
        self.query(f"USE shop; {sql}")

    def client_words(self):
        return ["mariadb", "--no-defaults", f"--socket={self.place}/s", "--user=root", "--batch",
                "--skip-column-names", "--init-command=SET time_zone = '+00:00'"]  # fmt: skip

    def odbc(self):
        return f"Driver=MariaDB Unicode;Server=127.0.0.1;Port={self.port};Database=shop;Uid=monitor"
