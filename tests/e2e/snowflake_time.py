"""A fake Snowflake account whose time the test sets, and the collectors in a process that has the same time."""

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
    """Who may ask with the token."""
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
        """Never goes back."""
        self.time = max(self.time, time)
        self.memory[:] = struct.pack("=q", round(self.time * 1e6))

    def advance(self, seconds):
        self.reach(self.time + seconds)


class Lively(Fake):
    """Time passes in it while a statement runs, for most of them at once."""

    def __init__(self, account, clock, auth, seed=1):
        self.dice = random.Random(seed)
        self.answered = {}  # when a statement was answered last, by its name
        super().__init__(account, clock, auth, answer=self.note)

    def note(self, name, text, now):
        """The answer to a statement."""
        self.answered[name] = now
        return answers.answer(STATEMENTS, name, self.account.usage, text, now)

    def answer(self, method, path, query, headers, body):
        if method == "POST" and "async" in query and self.dice.random() < 0.97:
            query["async"] = "false"  # the exporter waits before it asks how a statement does
        return super().answer(method, path, query, headers, body)

    def state(self, statement, query):
        if statement.state == "running":
            self.clock.advance(1)
        elif statement.query:
            self.clock.reach(statement.ready)
        return super().state(statement, query)


class Driver:
    """The collectors in a process of their own."""

    def __init__(self, *arguments):
        self.child = subprocess.Popen([support.EXPORTER.parent / "snowflake_driver", *arguments],
                                      env=support.environment(None), stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)

    def collect(self):
        """The page and the failures, or None where it was killed."""
        page = self.ask("collect")
        return page and (page, re.findall(r"(?m)^# failure (.*)", page))

    def past(self, since):
        """What was before, as OpenMetrics with timestamps."""
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
