"""The test's own database servers: PostgreSQL with TLS, MariaDB and pgbouncer, on free ports, in a
temporary directory. None of them runs as root; as root, the test runs them as Debian's users."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import time

from ports import free_port

BOUND = 60  # seconds to wait for the start or the end of a server
# The users and their passwords.
PASSWORDS = {"monitor": "secret-of-monitor", "braces": "a;b}c=d {e", "words": "grün 😀", "percent": "%3B%25 #'\"\\"}


def wait_until(condition, what):
    end = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"gave up waiting: {what}")
        time.sleep(0.05)


def user_options(name):
    """Options of a subprocess that runs as this user, if this process is root's."""
    if os.getuid() != 0:
        return {"cwd": "/"}
    return {"cwd": "/", "user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": ()}


def descendants(pid):
    """The process and its descendants."""
    found = [pid]
    for known in found:
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{known}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def is_stopped(pid):
    """Whether all of its threads are stopped, or it has ended."""
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            if (task / "stat").read_text().rpartition(")")[2].split()[0] not in "TZ":
                return False
    return True


class Server:
    """A server's process, with its own directory."""

    def __init__(self, top, name, user):
        self.place, self.options, self.process = top / name, user_options(user), None
        self.port = free_port()
        self.place.mkdir()
        if os.getuid() == 0:
            shutil.chown(self.place, user)
        self.log = open(top / f"{name}.log", "ab")

    def end_of_log(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")[-2000:]

    def launch(self, words, answers):
        self.process = subprocess.Popen(list(map(str, words)), stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, start_new_session=True, **self.options)  # fmt: skip
        wait_until(lambda: self.has_ended() or answers(), f"{self.place.name} answers")
        if self.has_ended():
            raise SystemExit(f"{self.place.name} ended:\n{self.end_of_log()}")

    def has_ended(self):
        return self.process.poll() is not None

    def hold_by(self, words, sql):
        """Runs SQL in a client that stays connected until release()."""
        self.holder = subprocess.Popen(list(map(str, words)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=self.log, text=True)  # fmt: skip
        self.holder.stdin.write(f"{sql}\nselect 'held';\n")
        self.holder.stdin.flush()
        while (line := self.holder.stdout.readline().strip()) != "held":
            if not line and self.holder.poll() is not None:
                raise RuntimeError("the client that holds a lock has ended")

    def release(self):
        self.holder.communicate(timeout=BOUND)

    def send(self, number):
        """Sends a signal to all its processes, to the first of them last."""
        for pid in reversed(descendants(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def freeze(self):
        """Stops all its processes. Repeated, because a process may run for a moment and start another one."""
        def is_frozen():
            self.send(signal.SIGSTOP)
            return all(map(is_stopped, descendants(self.process.pid)))

        wait_until(is_frozen, f"{self.place.name} stops")

    def end(self, number):
        if self.process is None:
            return
        self.send(signal.SIGCONT)
        self.process.send_signal(number)
        try:
            self.process.wait(BOUND)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.process.wait(BOUND)
        self.process = None


class PostgreSql(Server):
    SETTINGS = {"ssl": "on", "fsync": "off", "shared_buffers": "32MB", "max_connections": "60", "log_statement": "all",
                "shared_preload_libraries": ""}  # fmt: skip

    def __init__(self, top):
        super().__init__(top, "postgresql", "postgres")
        self.programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.data = self.place / "data"
        subprocess.run([self.programs / "initdb", "--auth=trust", "--username=admin", "--encoding=UTF8",
                        "--locale=C.UTF-8", "--no-sync", "--pgdata", self.data],
                       check=True, stdout=subprocess.DEVNULL, **self.options)  # fmt: skip
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", self.data / "server.key", "-out", self.data / "server.crt"],
                       check=True, stderr=subprocess.DEVNULL, **self.options)  # fmt: skip
        (self.data / "server.key").chmod(0o600)
        (self.data / "pg_hba.conf").write_text(
            "local all admin trust\nlocal all all scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self.start()
        self.admin("create database shop", "postgres")
        for name, password in PASSWORDS.items():
            quoted = password.replace("'", "''")
            self.admin(f"create role {name} login password '{quoted}'")
        self.admin("create table stock (n int); insert into stock values (1); "
                   "create schema hidden; create table hidden.secrets (v int); grant usage on schema hidden to monitor; "
                   "create view seven as select 7 as a; grant select, insert on stock to monitor; "
                   "grant select on seven to monitor")  # fmt: skip

    def start(self):
        settings = {**self.SETTINGS, "unix_socket_directories": self.place}
        words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        self.launch([self.programs / "postgres", "-D", self.data, "-h", "127.0.0.1", "-p", self.port, *words],
                    self.answers)  # fmt: skip

    def stop(self):
        self.end(signal.SIGINT)

    def psql_words(self, database):
        return [self.programs / "psql", "--no-psqlrc", f"--host={self.place}", f"--port={self.port}",
                "--username=admin", "--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1",
                f"--dbname={database}"]  # fmt: skip

    def psql(self, sql, database):
        return subprocess.run(self.psql_words(database), input=sql, capture_output=True, text=True, timeout=BOUND)

    def hold(self, sql):
        self.hold_by(self.psql_words("shop"), sql)

    def answers(self):
        return self.psql("select 1", "postgres").returncode == 0

    def admin(self, sql, database="shop"):
        done = self.psql(sql, database)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout.strip()

    def environment(self):
        common = f"Driver=PostgreSQL Unicode;Port={self.port};Database=shop;Uid=monitor"
        return {"SQL_POSTGRESQL": f"{common};Server=127.0.0.1;SSLmode=disable",
                "SQL_POSTGRESQL_TLS": f"{common};Server=127.0.0.1;SSLmode=require",
                "SQL_POSTGRESQL_SOCKET": f"{common};Server={self.place}"}  # fmt: skip


class MariaDb(Server):
    def __init__(self, top):
        super().__init__(top, "mariadb", "mysql")
        self.data = self.place / "data"
        done = subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                               "--auth-root-authentication-method=normal", "--innodb-use-native-aio=0", f"--tmpdir={self.place}"],
                              stdout=self.log, stderr=self.log, **self.options)  # fmt: skip
        if done.returncode != 0:
            raise SystemExit(f"mariadb-install-db failed:\n{self.end_of_log()}")
        self.start()
        self.admin("create database shop character set utf8mb4", "mysql")
        self.admin("create table stock (n int); insert into stock values (1); "
                   "create database hidden; create table hidden.secrets (v int)")  # fmt: skip
        for name, password in PASSWORDS.items():
            quoted = password.replace("\\", "\\\\").replace("'", "''")
            self.admin(f"create user {name}@'127.0.0.1' identified by '{quoted}'; "
                       f"grant select on shop.* to {name}@'127.0.0.1'; "
                       f"grant insert on shop.stock to {name}@'127.0.0.1'")  # fmt: skip

    def start(self):
        self.launch(["mariadbd", "--no-defaults", f"--datadir={self.data}", "--bind-address=127.0.0.1",
                     f"--port={self.port}", f"--socket={self.place}/socket", "--skip-name-resolve",
                     "--innodb-use-native-aio=0", "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0",
                     f"--pid-file={self.place}/pid", f"--tmpdir={self.place}", "--character-set-server=utf8mb4"], self.answers)  # fmt: skip

    def stop(self):
        self.end(signal.SIGTERM)

    def client_words(self, database):
        return ["mariadb", "--no-defaults", f"--socket={self.place}/socket", "--user=root", "--unbuffered",
                "--default-character-set=utf8mb4", "--skip-column-names", "--batch", database]  # fmt: skip

    def client(self, sql, database):
        return subprocess.run(self.client_words(database), input=sql, capture_output=True, text=True, timeout=BOUND)

    def hold(self, sql):
        self.hold_by(self.client_words("shop"), sql)

    def answers(self):
        return self.client("select 1", "mysql").returncode == 0

    def admin(self, sql, database="shop"):
        done = self.client(sql, database)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout.strip()

    def environment(self):
        return {"SQL_MARIADB": f"Driver=MariaDB Unicode;Server=127.0.0.1;Port={self.port};Database=shop;Uid=monitor"}


class PgBouncer(Server):
    """A PgBouncer in front of a PostgreSQL, with one connection that all clients share by transaction."""

    def __init__(self, top, behind):
        super().__init__(top, "pgbouncer", "postgres")
        self.behind, self.configuration = behind, self.place / "pgbouncer.ini"
        (self.place / "users").write_text(f'"monitor" "{PASSWORDS["monitor"]}"\n')
        self.configuration.write_text(f"""[databases]
shop = host=127.0.0.1 port={behind.port} dbname=shop
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {self.place}/users
pool_mode = transaction
default_pool_size = 1
""")
        self.start()

    def start(self):
        program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
        self.launch([program, self.configuration], self.answers)

    def stop(self):
        self.end(signal.SIGINT)

    def psql(self, sql):
        return subprocess.run([self.behind.programs / "psql", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet",
                               f"--command={sql}", f"postgresql://monitor@127.0.0.1:{self.port}/shop"],
                              capture_output=True, text=True, timeout=BOUND,
                              env={**os.environ, "PGPASSWORD": PASSWORDS["monitor"]})  # fmt: skip

    def answers(self):
        return self.psql("select 1").returncode == 0

    def query(self, sql):
        done = self.psql(sql)
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-2000:])
        return done.stdout.strip()

    def environment(self):
        return {"SQL_PGBOUNCER": f"Driver=PostgreSQL Unicode;Server=127.0.0.1;Port={self.port};Database=shop;"
                                 "Uid=monitor"}  # fmt: skip
