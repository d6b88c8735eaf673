"""The output of --record: it contains nothing of the account, and enough to produce the same page again."""

import dataclasses
import json
import re
import shutil
import stat
import time
import unittest

import support
from snowflake_client import ACCOUNT, DAY, HOUR, MINUTE, ROLE, USER, WAREHOUSE, Auth, User
from snowflake_fake import objects
from snowflake_fake.account import Account
from snowflake_fake.server import Fake
from snowflake_replay import Replay
from snowflake_time import TOKEN, Clock, Driver, one_user, write_config

HALF_A_DAY = 13 * HOUR  # when all groups are due again
ABSENT = (None, "", "null")
COMMON = {"account", "copy", "never", "pipe", "select", "service"}  # words of users that Snowflake uses, too
# Labels whose values were not chosen by users.
FIXED = set("account action class code currency event factor frequency kind le level outcome phase rating reason "
            "refresh_mode second_factor service size source_cloud state statement status success target_cloud tool "
            "type usage".split())
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Noting(Fake):
    """Keeps its last answer to each statement: the names of columns, and rows of cells."""

    def __init__(self, *arguments):
        self.answers = {}
        super().__init__(*arguments)

    def partition(self, statement, query, common):
        table = statement.table
        self.answers[statement.name] = [column.name for column in table.columns], table.cells()
        return super().partition(statement, query, common)


def recorded_in(directory):
    """The content of each file, by statement."""
    return {path.stem: json.loads(path.read_text()) for path in directory.iterdir()}


def own_words(account):
    """The words of four letters or more in names and texts that the account's users chose."""
    texts = [ACCOUNT, USER, TOKEN, objects.HOSTILE, *account.warehouses, *account.monitors, *account.roles]
    things = (account.databases, account.pipes, account.dynamic_tables, account.tasks, account.groups,
              account.warehouses.values(), account.monitors.values())
    for each in (each for group in things for each in group):
        texts += [getattr(each, name, None) or "" for name in (
            "name", "database", "schema", "table", "owner", "comment", "origin", "invalid_reason", "parent")]
    chosen = re.compile(r"(?<!PHASE_)(?<!EVENT_)NAME|TEXT|TAG|CONTRACT|LOCATOR|CATALOG|SCHEMA|LOCATION|COMMENT")
    for rows in account.usage.rows.values():
        for row in rows:
            values = row.versions[-1][1]
            texts += [value for name, value in values.items()
                      if isinstance(value, str) and chosen.search(name) and values.get("USER_NAME") != USER]
    words = {word.lower() for text in set(texts) for word in re.findall(r"\w{4,}", text)}
    return {word for word in words if not re.fullmatch(r"[0-9_]+", word)} - COMMON


def series_of(page, translated=lambda name, value: value):
    """The samples by family and labels."""
    found = {}
    for series, value in support.samples(page).items():
        family, _, labels = series.partition("{")
        pairs = {name: re.sub(r"\\.", lambda escape: ESCAPES[escape[0]], text) for name, text in LABEL.findall(labels)}
        found[family, tuple(sorted((name, translated(name, text)) for name, text in pairs.items()))] = value
    return found


def of_the_account(page):
    """The page without the exporter's metrics about itself."""
    return "\n".join(line for line in page.splitlines() if line.startswith("snowflake_"))


class Names:
    """The pseudonyms, from the answers and the recordings of them."""

    def __init__(self, answers, recorded):
        self.pseudonyms, self.kept = {}, set()
        for statement, (_, rows) in answers.items():
            for cells, others in zip(rows, recorded[statement]["rows"], strict=True):
                for cell, other in zip(cells, others, strict=True):
                    self.take(cell, other)
        self.lower = {name.lower(): pseudonym.lower() for name, pseudonym in self.pseudonyms.items()}

    def take(self, cell, other):
        if cell == other:
            self.kept.add(cell)
            return
        if cell in ABSENT or self.pseudonyms.setdefault(cell, other) != other:
            raise AssertionError(f"{cell!r} is {other!r}, and was {self.pseudonyms.get(cell)!r}")
        parts, others = cell.split("."), other.split(".")
        if 1 < len(others) == len(parts):
            for part, each in zip(parts, others):
                if part:
                    self.take(part, each)

    def translated(self, label, value):
        if label in FIXED or (label in ("unique_id", "user", "value") and value == "other"):  # for values not shown
            return value
        if label == "dataset":
            return ".".join(self.lower[part] for part in value.split(".")) if value else value
        return self.pseudonyms.get(value, value)


class Whole(unittest.TestCase):
    """All collectors, twice in a day; time passes only between the two."""

    maxDiff = 4000

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(support.folder())
        # A ledger counts from when it was made, by this machine's clock.
        start = (time.time() // DAY + 10) * DAY + 5 * MINUTE
        cls.account = Account(start)
        roles = cls.account.roles
        roles[ROLE] = dataclasses.replace(roles[ROLE], is_admin=True)  # as with imported privileges
        clock = Clock(cls.folder / "original-clock", start)
        fake = cls.enterClassContext(Noting(cls.account, clock, one_user()))
        recording, cls.firsts, cls.seconds = (cls.folder / name for name in ("recording", "firsts", "seconds"))
        driver = cls.drive("original", fake, record=recording)
        cls.first = cls.collect(driver)
        shutil.copytree(recording, cls.firsts)
        cls.names = Names(fake.answers, recorded_in(cls.firsts))
        clock.reach(start + HALF_A_DAY)
        cls.second = cls.collect(driver)
        recording.rename(cls.seconds)
        cls.later_names = Names(fake.answers, recorded_in(cls.seconds))
        cls.start, cls.answers = start, fake.answers

    @classmethod
    def drive(cls, name, fake, **keys):
        """Starts a driver of all collectors with its own state."""
        config = write_config(cls.folder / f"{name}.yml", fake, credits_per_day=0, query_tag_keys="[team]", **keys)
        listed = (support.SOURCE / "docs/metrics/snowflake.md").read_text()
        collectors = set(re.findall(r"(?m)^## (\w+)(?: \(off by default\))?$", listed))
        driver = Driver(config, cls.folder / f"{name}-state", cls.folder / f"{name}-clock", *sorted(collectors))
        cls.addClassCleanup(driver.end)
        return driver

    @staticmethod
    def collect(driver):
        """The page of a second run. During the first run the warehouse resumes, which SHOW may or may not see."""
        for _ in range(2):
            page, failures = driver.collect()
            assert not failures, failures
        return page

    def test_each_statement_has_a_file_with_what_is_documented(self):
        found = recorded_in(self.seconds)
        self.assertEqual(found.keys(), self.answers.keys())
        self.assertGreater(len(found), 35)
        for statement, file in found.items():
            columns, rows = self.answers[statement]
            self.assertEqual(file.keys(), {"exporter", "statement", "time", "status", "code", "sql_state",
                                           "row_count", "columns", "rows"})
            self.assertEqual((file["statement"], file["status"], file["code"], file["sql_state"], file["row_count"]),
                             (statement, 200, "090001", "00000", len(rows)))
            self.assertEqual([column["name"] for column in file["columns"]], columns)
            for column in file["columns"]:
                self.assertLessEqual(column.keys(), {"name", "type", "nullable", "precision", "scale"})

    def test_nothing_of_the_account_is_in_a_cell(self):
        words = own_words(self.account)
        self.assertGreater(len(words), 60)
        for word in ("æther", "données", "transform_wh", "ingest_orders", "analyst", "adhoc_wh", "broken_pipe"):
            self.assertIn(word, words)
        cells = {cell.lower() for directory in (self.firsts, self.seconds)
                 for file in recorded_in(directory).values() for row in file["rows"] for cell in row if cell}
        self.assertEqual([(cell, word) for cell in cells for word in words if word in cell], [])

    def test_the_same_text_has_the_same_pseudonym_and_no_other(self):
        names = self.names.pseudonyms | self.later_names.pseudonyms
        self.assertEqual(self.names.pseudonyms | names, self.later_names.pseudonyms | names)
        self.assertEqual(len(set(names.values())), len(names))
        self.assertGreater(len(names), 60)
        self.assertIn(objects.HOSTILE, names)
        for name, pseudonym in names.items():
            self.assertEqual(names.get(name.lower(), pseudonym.lower()), pseudonym.lower())

    def test_the_same_page_comes_of_it(self):
        """Also the counters: the answers are the same at the same times."""
        clock = Clock(self.folder / "replay-clock", self.start)
        with Replay(self.firsts) as replay:
            driver = self.drive("replay", replay, warehouse=self.names.pseudonyms[WAREHOUSE])
            self.assert_same(self.collect(driver), self.first, self.names)
            replay.directory = self.seconds
            clock.reach(self.start + HALF_A_DAY)
            self.assert_same(self.collect(driver), self.second, self.later_names)
        counters = {name for name, kind in support.families(self.second).items() if kind == "counter"}
        for name in ("snowflake_queries_total", "snowflake_warehouse_credits_total", "snowflake_task_runs_total"):
            self.assertIn(name, counters)

    def assert_same(self, page, original, names):
        expected, shown = series_of(original, names.translated), series_of(page)
        self.assertEqual(expected.keys() ^ shown.keys(), set())
        self.assertEqual({key: (value, shown[key]) for key, value in expected.items() if shown[key] != value}, {})


class Flag(unittest.TestCase):
    """The exporter itself, with the flag --record."""

    def setUp(self):
        self.folder = self.enterContext(support.folder())
        now, auth = time.time(), Auth({ACCOUNT})
        auth.add(User(USER, (ROLE, "LIMITED"), WAREHOUSE, tokens={"PROGRAMMATIC_ACCESS_TOKEN": TOKEN}))
        self.fake = self.enterContext(Noting(Account(now, is_alive=False), Clock(self.folder / "clock", now),
                                             auth))
        (self.folder / "token").write_text(TOKEN)
        self.recording = self.folder / "a" / "recording"

    def run_once(self, server, *flags, record=None, role=ROLE):
        return support.run(f"--account.identifier={ACCOUNT}", "--account.name=demo", f"--account.url={server.url}",
                           f"--account.role={role}", f"--record={record or ''}",
                           f"--account.programmatic-access-token-file={self.folder}/token", *flags,
                           name="snowflake_exporter")

    def test_one_run_is_recorded_for_its_user_alone_and_replayed(self):
        original = self.run_once(self.fake, "--once", record=self.recording)
        self.assertEqual((original.returncode, original.stderr), (0, ""))
        found = recorded_in(self.recording)
        self.assertEqual(found.keys(), self.fake.answers.keys())
        for path in self.recording.iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)
            for word in (ACCOUNT, WAREHOUSE, TOKEN, "demo", "127.0.0.1"):
                self.assertNotIn(word.lower(), path.read_text().lower())
        with Replay(self.recording) as replay:
            shown = series_of(of_the_account(self.run_once(replay, "--once").stdout))
        names = Names(self.fake.answers, found)
        self.assertEqual(shown, series_of(of_the_account(original.stdout), names.translated))
        self.assertGreater(len(shown), 80)

    def test_a_refusal_is_recorded_without_its_text(self):
        result = self.run_once(self.fake, "--config.check-sources", record=self.recording, role="NOT_MINE")
        self.assertIn("NOT_MINE", result.stdout)
        (path,) = self.recording.iterdir()
        self.assertNotIn("NOT_MINE", path.read_text())
        found = json.loads(path.read_text())
        self.assertEqual((path.name, found["status"], found["code"]), ("show_warehouses.json", 403, "390189"))
        with Replay(self.recording) as replay:
            self.assertIn("status 403: 390189", self.run_once(replay, "--config.check-sources").stdout)

    def test_a_group_that_is_refused_too(self):
        self.run_once(self.fake, "--once", "--collector.queries", f"--account.warehouse={WAREHOUSE}",
                      record=self.recording, role="LIMITED")
        found = recorded_in(self.recording)["queries"]
        self.assertEqual((found["status"], found["code"], found["sql_state"]), (422, "002003", "42S02"))

    def test_what_cannot_be_written_is_one_warning(self):
        (self.folder / "a").write_text("")
        result = self.run_once(self.fake, "--once", record=self.recording)
        self.assertEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r'\A\S+ level=warn msg="not all answers are recorded" error=.*\n\Z')
        self.assertIn('snowflake_up{account="demo"} 1\n', result.stdout)

    def test_accounts_of_a_file_have_the_key(self):
        config = self.folder / "snowflake.yml"
        config.write_text(f"accounts: [{{name: demo, identifier: {ACCOUNT}, url: '{self.fake.url}', "
                          f"programmatic_access_token: {TOKEN}, record: recorded}}]\n")
        flags = (f"--config.file={config}", "--once")
        self.assertEqual(support.run(*flags, name="snowflake_exporter").returncode, 0)
        self.assertTrue((self.folder / "recorded" / "show_tasks.json").is_file())
        refused = support.run(*flags, "--record=elsewhere", name="snowflake_exporter")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--record: the file has a list of accounts", refused.stderr)


if __name__ == "__main__":
    unittest.main()
