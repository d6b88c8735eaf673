"""snowflake_exporter with a fake account: logins, permissions, reports, bad input, and no secret anywhere."""

import dataclasses
import mmap
import re
import signal
import unittest

import support
from snowflake_client import ACCOUNT, NOW, ROLE, USER, WAREHOUSE, Account, Auth, Clock, Fake, Key, User, openssl
from support import Exporter, run

NAME = "snowflake_exporter"
PASSPHRASE = "open-sesame-7"
TOKENS = {"OAUTH": "oauth-hush-1", "PROGRAMMATIC_ACCESS_TOKEN": "pat-hush-2",
          "WORKLOAD_IDENTITY_FEDERATION": "WIF.AWS.workload-hush-3"}
FAST = "--collector.warehouses.interval=1s"
SUCCEEDED = 'exporter_collector_success{collector="warehouses",source="demo"} '
LARGEST = 1 << 30  # bytes of a reply


def setUpModule():
    global FOLDER, KEY, OTHER
    FOLDER = unittest.enterModuleContext(support.folder())
    KEY, OTHER = Key(FOLDER, "key"), Key(FOLDER, "other")
    openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-in", KEY.path, "-out", FOLDER / "encrypted.p8",
            "-passout", f"pass:{PASSPHRASE}")
    openssl("rsa", "-traditional", "-in", KEY.path, "-out", FOLDER / "traditional.pem")
    (FOLDER / "passphrase").write_text(PASSPHRASE + "\n")
    for kind, token in TOKENS.items():
        (FOLDER / kind).write_text(token.removeprefix("WIF.AWS.") + "\n")


def secrets():
    """Texts that must not appear anywhere."""
    found = [PASSPHRASE, *(token.removeprefix("WIF.AWS.") for token in TOKENS.values()), "Bearer ", "eyJ"]
    for path in (KEY.path, OTHER.path, FOLDER / "encrypted.p8", FOLDER / "traditional.pem"):
        found += [line for line in path.read_text().splitlines() if not line.startswith("-----") and len(line) > 20]
    return found


class Snowflake(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.auth = Auth({ACCOUNT})
        self.user = User(USER, (ROLE, "LIMITED", "PUBLIC"), WAREHOUSE, [KEY.public], TOKENS)
        self.auth.add(self.user)
        self.fake = self.enterContext(Fake(Account(NOW, is_alive=False), Clock(NOW, speed=0), self.auth))
        self.folder = self.enterContext(support.folder())

    def flags(self, *more, key=None, **changed):
        """The flags of the single account, without those that are None."""
        flags = {"identifier": ACCOUNT, "name": "demo", "url": self.fake.url, "user": USER, "role": ROLE,
                 "private_key_file": key or KEY.path} | changed
        return (*(f"--account.{name.replace('_', '-')}={value}" for name, value in flags.items()
                  if value is not None), *more)

    def run_once(self, *flags):
        result = run(*flags, name=NAME)
        self.assert_silent(result.stdout + result.stderr)
        return result

    def assert_silent(self, text):
        for secret in secrets():
            self.assertNotIn(secret, text)

    def serve(self, *flags):
        exporter = Exporter(*flags, name=NAME)

        def end():
            pages = [exporter.get(path).body.decode(errors="replace") for path in ("/", "/metrics", "/-/healthy")]
            exporter.stop()
            self.assert_silent("\n".join([*pages, *exporter.log()]))

        self.enterContext(exporter)
        self.addCleanup(end)
        return exporter

    def succeeds(self, exporter, does=True):
        support.poll(lambda: f"{SUCCEEDED}{int(does)}\n" in exporter.page(), f"success of a run: {does}")

    # Log in

    def test_each_kind_of_login(self):
        token = {"user": None, "private_key_file": None}
        for name, flags in {
                "key": self.flags(),
                "encrypted key": self.flags(key=FOLDER / "encrypted.p8",
                                            private_key_passphrase_file=FOLDER / "passphrase"),
                "PKCS#1": self.flags(key=FOLDER / "traditional.pem"),
                "OAuth": self.flags(oauth_token_file=FOLDER / "OAUTH", **token),
                "access token": self.flags(
                    programmatic_access_token_file=FOLDER / "PROGRAMMATIC_ACCESS_TOKEN", **token)}.items():
            with self.subTest(name):
                result = self.run_once(*flags, "--once")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn('snowflake_up{account="demo"} 1\n', result.stdout)
                self.assertIn('snowflake_warehouses{account="demo"} 8\n', result.stdout)
        self.assertEqual(list(self.auth.log), [])

    def test_several_accounts_of_a_file_and_a_workload(self):
        config = self.folder / "snowflake.yml"
        config.write_text(
            f"accounts:\n  - {{name: a, identifier: {ACCOUNT}, url: '{self.fake.url}', "
            f"workload_identity_provider: aws, workload_identity_token_file: {FOLDER}/WORKLOAD_IDENTITY_FEDERATION}}\n"
            f"  - {{name: b, identifier: {ACCOUNT}, url: '{self.fake.url}', user: {USER.lower()}, "
            f"private_key_file: {KEY.path}, role: {ROLE}}}\n")
        page = self.run_once(f"--config.file={config}", "--once").stdout
        for name in ("a", "b"):
            self.assertIn(f'snowflake_up{{account="{name}"}} 1\n', page)
            self.assertIn(f'snowflake_warehouses{{account="{name}"}} 8\n', page)
        self.assertEqual(list(self.auth.log), [])

    def test_what_is_wrong_with_a_login_is_said(self):
        for fault, flags, offset in (
                ("fingerprint", self.flags(key=OTHER.path), 0),
                ("expired", self.flags(), 2 * 3600),
                ("issued in the future", self.flags(), -2 * 3600),
                ("account", self.flags(identifier="DEMO-OTHER"), 0),
                ("user", self.flags(user="NOBODY"), 0)):
            with self.subTest(fault):
                self.auth.offset = offset
                self.auth.log.clear()
                result = self.run_once(*flags, "--config.check-sources")
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertRegex(result.stdout, r"! warehouses +show_warehouses: status 401: the token is rejected, .*"
                                                r"RSA_PUBLIC_KEY_FP.*host's clock")
                self.assertEqual({each["fault"] for each in self.auth.log}, {fault})
                self.assertLessEqual(len(self.auth.log), 2)
        self.auth.offset = 0
        page = self.run_once(*self.flags(key=OTHER.path), "--once").stdout
        self.assertIn('snowflake_up{account="demo"} 0\n', page)
        self.assertNotIn("snowflake_warehouse_info{", page)

    def test_keys_that_cannot_be_used_are_errors_that_show_nothing_of_them(self):
        cut = self.folder / "cut.p8"
        cut.write_text(KEY.path.read_text()[:900])
        (self.folder / "wrong").write_text("wrong")
        for flags in (self.flags(key=cut), self.flags(key=FOLDER / "encrypted.p8"),
                      self.flags(key=FOLDER / "encrypted.p8", private_key_passphrase_file=self.folder / "wrong")):
            with self.subTest(flags):
                result = self.run_once(*flags, "--config.check-sources")
                self.assertEqual(result.returncode, 1, result.stdout)
        self.assertEqual(list(self.auth.log), [])

    def test_a_rotated_key_is_taken(self):
        path = self.folder / "rotated.p8"
        path.write_bytes(KEY.path.read_bytes())
        exporter = self.serve(*self.flags(FAST, key=path))
        self.succeeds(exporter)
        self.user.keys[:] = User("", (), keys=[OTHER.public]).keys
        self.succeeds(exporter, False)
        path.write_bytes(OTHER.path.read_bytes())
        self.succeeds(exporter)
        self.user.keys[:] = User("", (), keys=[KEY.public]).keys
        path.write_bytes(KEY.path.read_bytes())
        exporter.send(signal.SIGHUP)
        exporter.wait_for_lines("configuration reloaded")
        self.succeeds(exporter)

    # Permissions and reports

    def test_a_check_says_what_the_role_may_see(self):
        result = self.run_once(*self.flags(), "--config.check-sources")
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stdout, r"(?s)\ndemo\n.*\n  warehouses +8 visible\n.*\n  databases +5 visible\n")
        result = self.run_once(*self.flags(role="LIMITED"), "--config.check-sources")
        self.assertRegex(result.stdout, r"(?s)\n  warehouses +1 visible\n.*\n  tasks +none visible: ")
        groups = ("--collector.cost", "--collector.queries", "--config.check-sources")
        result = self.run_once(*self.flags(*groups, warehouse=WAREHOUSE))
        self.assertRegex(result.stdout, r"\n  warehouse +1 credits an hour, suspends after 1m\n"
                                        r"  cost +allowed\n  queries +allowed\n")
        result = self.run_once(*self.flags(*groups, warehouse="NO_SUCH_WH", role="LIMITED"))
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertRegex(result.stdout, r"(?s)\n! warehouse .*it does not exist.*\n  cost +allowed\n! queries +.*002003"
                                        r".*it needs the database role SNOWFLAKE.GOVERNANCE_VIEWER\n")
        self.assertEqual(self.fake.account.warehouses[WAREHOUSE].resumes, 0)
        result = self.run_once(*self.flags(role="NOT_MINE"), "--config.check-sources")
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertRegex(result.stdout, r"\n! warehouses +show_warehouses: status 403: 390189 Role 'NOT_MINE'")

    def test_a_missing_privilege_is_the_failure_of_its_group(self):
        groups = ("--collector.cost", "--collector.queries", "--once")
        page = self.run_once(*self.flags(*groups, warehouse=WAREHOUSE, role="LIMITED")).stdout
        self.assertIn('exporter_collector_success{collector="cost",source="demo"} 1\n', page)
        self.assertIn('exporter_collector_success{collector="queries",source="demo"} 0\n', page)
        self.assertIn('exporter_collector_success{collector="warehouses",source="demo"} 1\n', page)
        result = self.run_once(*self.flags(*groups, warehouse=WAREHOUSE, role="LIMITED"))
        self.assertIn("002003", result.stderr)
        result = self.run_once(*self.flags(*groups, warehouse="LOAD_WH"))
        self.assertIn('exporter_collector_success{collector="cost",source="demo"} 0\n', result.stdout)

    def test_all_groups_together(self):
        listed = (support.SOURCE / "docs/metrics/snowflake.md").read_text()
        names = re.findall(r"^## (\w+) \(off by default\)$", listed, re.M)
        self.assertIn("queries", names)
        roles = self.fake.account.roles
        roles[ROLE] = dataclasses.replace(roles[ROLE], is_admin=True)  # as with imported privileges
        flags = self.flags(*(f"--collector.{name}" for name in names), warehouse=WAREHOUSE,
                           credits_per_day=5, query_tag_keys="team,cost_center")
        result = self.run_once(*flags, "--once")
        self.assertEqual(result.returncode, 0, result.stderr)
        for name in names:
            self.assertIn(f'exporter_collector_success{{collector="{name}"', result.stdout)
            self.assertNotIn(f'exporter_collector_success{{collector="{name}",source="demo"}} 0', result.stdout)
        served = set(support.families(result.stdout))
        self.assertEqual(served - set(re.findall(r"(?m)^\| `(\w+)`", listed)), set())
        self.assertEqual(self.fake.account.warehouses[WAREHOUSE].resumes, 1)
        spent = float(support.samples(result.stdout)['snowflake_own_credits_today{account="demo"}'])
        self.assertGreater(spent, 60 / 3600)

    def test_what_costs_says_so_and_how_often_it_asks(self):
        text = re.sub(r"\s+", " ", self.run_once("--help").stdout)
        for name, pace in (("cost", "3h"), ("queries", "45m"), ("attribution", "6h")):
            self.assertIn(f"--collector.{name},--no-collector.{name} Off by default, because the source bills its queries: "
                          f"every {pace} at most.", text)
            self.assertIn(f"--collector.{name}.interval=1m How often the collector checks whether a statement is due.",
                          text)
        self.assertIn("--collector.warehouses,--no-collector.warehouses On by default. ", text)
        exporter = self.serve(*self.flags("--collector.cost", "--collector.queries", "--collector.queries.interval=2h",
                                          warehouse=WAREHOUSE))
        rows = dict(re.findall(r"<tr><td>demo</td><td>(\w+)</td><td>(.+?)</td>", exporter.get("/").body.decode()))
        self.assertEqual((rows["cost"], rows["queries"], rows["warehouses"]),
                         ("asks every 3h at most", "asks every 2h at most", "every 1m"))

    def test_reports_ask_nothing_and_need_no_key(self):
        flags = self.flags("--collector.queries", "--collector.cost", warehouse=WAREHOUSE, private_key_file=None)
        result = self.run_once(*flags, "--grants")
        self.assertEqual(result.returncode, 0, result.stderr)
        for text in (f'CREATE ROLE IF NOT EXISTS "{ROLE}"', f'"{USER}"',
                     f'CREATE WAREHOUSE IF NOT EXISTS "{WAREHOUSE}"', "AUTO_SUSPEND = 60", "CREATE RESOURCE MONITOR", "SUSPEND_IMMEDIATE",
                     "SNOWFLAKE.GOVERNANCE_VIEWER", "SNOWFLAKE.USAGE_VIEWER"):
            self.assertIn(text, result.stdout)
        result = self.run_once(*flags, "--dry-run")
        self.assertEqual(result.returncode, 0, result.stderr)
        for text in ("SHOW WAREHOUSES", "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY",
                     "SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_METERING_HISTORY", "each 45m", "each 3h"):
            self.assertIn(text, result.stdout)
        self.assertEqual((sum(self.fake.account.executions.values()), list(self.auth.log)), (0, []))
        for flag in ("--config.check", "--config.check-sources", "--once"):
            self.assertIn("no credentials", self.run_once(*flags, flag).stderr)
        result = self.run_once(*self.flags(warehouse=WAREHOUSE, credits_per_day=0.05), "--config.check")
        self.assertIn("credits_per_day: expected 0, or at least 0.0502", result.stderr)

    # Bad input

    def test_bad_answers_fail_and_pass(self):
        exporter = self.serve(*self.flags(FAST, "--log.level=debug"))
        self.succeeds(exporter)
        for fault in ({"fault": "not_json"}, {"fault": "not_json", "status": 403}, {"fault": "cut"},
                      {"fault": "wrong_types"}, {"fault": "incomplete"}, {"fault": "expired"},
                      {"fault": "status", "status": 500}, {"fault": "status", "status": 429, "retry_after": 1},
                      {"fault": "error", "code": "000603", "message": "x" * 100_000},
                      {"fault": "columns", "drop": ["name"]}):
            with self.subTest(fault):
                self.set_faults(fault)
                self.succeeds(exporter, False)
                self.set_faults()
                self.succeeds(exporter)
        self.assertLess(max(map(len, exporter.log())), 2000)

    def test_other_columns_and_slow_bodies_change_nothing(self):
        exporter = self.serve(*self.flags(FAST))
        self.succeeds(exporter)
        expected = self.warehouse_lines(exporter)
        self.set_faults({"fault": "columns", "reverse": True, "add": ["new_column"]}, {"fault": "slow"})
        before = self.fake.account.executions["SHOW WAREHOUSES"] + self.fake.faults.counts["slow"]
        support.poll(lambda: self.fake.faults.counts["slow"] > before + 3, "slow answers")
        self.succeeds(exporter)
        self.assertEqual(self.warehouse_lines(exporter), expected)

    @unittest.skipIf(support.SANITIZED, "memory is of the sanitizer")
    def test_a_body_of_a_gigabyte_is_cut(self):
        exporter = self.serve(*self.flags(FAST))
        self.succeeds(exporter)
        path = self.folder / "large"
        with path.open("w+b") as file:
            file.truncate(LARGEST)
            body = mmap.mmap(file.fileno(), LARGEST)
        self.addCleanup(body.close)
        self.fake.faults.reply = lambda reply, _: reply._replace(body=body)
        self.succeeds(exporter, False)
        del self.fake.faults.reply
        self.succeeds(exporter)
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", exporter.proc("status").read_text()).group(1))
        self.assertLess(peak, 200 << 10)

    def set_faults(self, *rules):
        with self.fake.lock:
            self.fake.faults.set(rules)

    @staticmethod
    def warehouse_lines(exporter):
        return [line for line in exporter.page().splitlines() if line.startswith("snowflake_warehouse")]


if __name__ == "__main__":
    unittest.main()
