"""A fake Snowflake account whose time the test sets, and collectors in a process with the same time."""

import contextlib
import mmap
import random
import re
import struct
import subprocess

import support
from snowflake_client import ACCOUNT, ROLE, USER, WAREHOUSE
from snowflake_fake import answers
from snowflake_fake.auth import Auth, User
from snowflake_fake.catalog import STATEMENTS
from snowflake_fake.server import Fake

TOKEN = "pat-1"


def one_user():
    """A user with the token."""
    auth = Auth({ACCOUNT})
    auth.add(User(USER, (ROLE,), WAREHOUSE, tokens={"PROGRAMMATIC_ACCESS_TOKEN": TOKEN}))
    return auth


def write_config(path, fake, **more):
    lines = {"identifier": ACCOUNT, "url": f"'{fake.url}'", "role": ROLE, "programmatic_access_token": TOKEN,
             "warehouse": WAREHOUSE, "budget": "{requests_per_second: 1000, burst: 1000, at_once: 8}"} | more
    path.write_text("accounts:\n  - name: demo\n" + "".join(f"    {name}: {value}\n" for name, value in lines.items()))
    return path


class Clock:
    """The time of the account and of the exporter, in a file that the driver maps."""

    def __init__(self, path, start):
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8)
        self.time = start
        self.reach(start)

    def now(self):
        return self.time

    def reach(self, time):
        """Sets the time, unless that would turn it back."""
        self.time = max(self.time, time)
        self.memory[:] = struct.pack("=q", round(self.time * 1e6))

    def advance(self, seconds):
        self.reach(self.time + seconds)


class Lively(Fake):
    """A fake whose time passes while statements run; most of them take no time."""

    def __init__(self, account, clock, auth, seed=1):
        self.dice = random.Random(seed)
        self.answered = {}  # the time of the last answer by statement
        super().__init__(account, clock, auth, answer=self.note)

    def note(self, name, text, now):
        """The answer to a statement; keeps its time."""
        self.answered[name] = now
        return answers.answer(STATEMENTS, name, self.account.usage, text, now)

    def answer(self, method, path, query, headers, body):
        if method == "POST" and "async" in query and self.dice.random() < 0.97:
            query["async"] = "false"  # the exporter waits before it polls a statement
        return super().answer(method, path, query, headers, body)

    def state(self, statement, query):
        if statement.state == "running":
            self.clock.advance(1)
        elif statement.query:
            self.clock.reach(statement.ready)
        return super().state(statement, query)


class Driver:
    """The collectors in their own process."""

    def __init__(self, *arguments):
        self.child = subprocess.Popen([support.EXPORTER.parent / "snowflake_driver", *arguments],
                                      env=support.environment(None), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def collect(self):
        """The page and the failures; None if the process was killed."""
        page = self.ask("collect")
        return page and (page, re.findall(r"(?m)^# failure (.*)", page))

    def past(self, since):
        """The past since a time, as OpenMetrics with timestamps."""
        return self.ask(f"past {int(since)}")

    def ask(self, command):
        lines = []
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.write(f"{command}\n")
            self.child.stdin.flush()
        for line in self.child.stdout:
            if line == "# end\n":
                return "".join(lines)
            lines.append(line)
        return None

    def end(self):
        self.child.kill()
        self.child.wait(support.START)
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.close()
        self.child.stdout.close()
