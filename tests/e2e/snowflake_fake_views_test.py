"""The objects and the views of the fake Snowflake."""

import json
import unittest
from decimal import Decimal

from snowflake_client import DAY, HOUR, KINDS, MINUTE, NOW, WAREHOUSE, Served
from snowflake_fake import attribution, objects, truth
from snowflake_fake.account import Account
from snowflake_fake.answers import Request
from snowflake_fake.catalog import COUNTERS, STATEMENTS
from snowflake_fake.protocol import Column, Table
from snowflake_fake.usage import LAYOUTS


class Shows(Served):
    def rows(self, client, kind, **fields):
        return {row["name"]: row for row in client.post(f"SHOW {kind}", **fields).rows()}

    def test_cells_are_as_a_live_account_writes_them(self):
        fake, client = self.serve(is_alive=True)
        found = self.rows(client, "WAREHOUSES")
        self.assertEqual(set(found), set(fake.account.warehouses))
        own = found[WAREHOUSE]
        expected = {"state": "SUSPENDED", "size": "X-Small", "auto_suspend": "60", "auto_resume": "true",
                    "is_current": "Y", "is_default": "Y", "available": "", "other": "", "running": "0",
                    "started_clusters": "0", "resource_monitor": "EXPORTER_BUDGET",
                    "created_on": f"{fake.account.began - 30 * DAY:.3f}"}
        self.assertEqual(own, own | expected)
        adaptive = found["ADAPTIVE_WH"]
        self.assertEqual([adaptive[name] for name in ("state", "size", "auto_suspend")],
                         ["ENABLED", None, None])
        self.assertEqual([found["ALWAYS_ON_WH"][name] for name in (
            "state", "auto_suspend", "available", "resource_monitor")], ["STARTED", None, "100", "null"])
        self.assertIn(objects.HOSTILE, found)
        self.assertNotIn("is_interactive", own)

    def test_a_warehouse_resumes_runs_and_suspends(self):
        fake, client = self.serve()
        client.named("storage")
        for after, expected in ((0, ("RESUMING", "0", "1", "1")), (2, ("STARTED", "1", "0", "1")),
                                (2, ("STARTED", "0", "0", "1")), (59, ("SUSPENDED", "0", "0", "0"))):
            fake.clock.advance(after)
            row = self.rows(client, "WAREHOUSES")[WAREHOUSE]
            self.assertEqual(tuple(row[name] for name in ("state", "running", "queued", "started_clusters")),
                             expected)

    def test_what_is_in_the_account(self):
        fake, client = self.serve(is_alive=True)
        monitors = self.rows(client, "RESOURCE MONITORS")
        share = float(monitors["TRANSFORM_BUDGET"]["used_credits"]) / float(
            monitors["TRANSFORM_BUDGET"]["credit_quota"])
        self.assertAlmostEqual(share, 0.8, delta=0.01)
        self.assertEqual({row["level"] for row in monitors.values()}, {"WAREHOUSE", "ACCOUNT", None})
        tables = self.rows(client, "DYNAMIC TABLES IN ACCOUNT LIMIT 10000")
        lag = {name: NOW - float(row["data_timestamp"]) for name, row in tables.items()
               if row["data_timestamp"]}
        self.assertGreater(lag["CLICKS_BEHIND"], 300)
        self.assertLess(lag["ORDERS_HOURLY"], 3600)
        self.assertIsNone(tables["HIDDEN"]["data_timestamp"])
        self.assertEqual((tables["SESSIONS"]["target_lag"], tables["PAUSED"]["scheduling_state"]),
                         ("DOWNSTREAM", "SUSPENDED"))
        tasks = self.rows(client, "TASKS IN ACCOUNT LIMIT 10000")
        self.assertEqual({row["last_suspended_reason"] for row in tasks.values()},
                         {None, "USER_SUSPENDED", "SUSPENDED_DUE_TO_ERRORS"})
        self.assertEqual(json.loads(tasks["LOAD_CHILD"]["predecessors"]), ["ANALYTICS.JOBS.LOAD_ROOT"])
        pipes = self.rows(client, "PIPES IN ACCOUNT")
        self.assertEqual([name for name, row in pipes.items() if row["invalid_reason"]], ["BROKEN_PIPE"])
        groups = self.rows(client, "REPLICATION GROUPS")
        due = {name: row["next_scheduled_refresh"] for name, row in groups.items()}
        self.assertEqual(float(due["OVERDUE_COPY"]), NOW - 3 * HOUR)
        self.assertGreater(float(due["FINANCE_COPY"]), NOW)
        self.assertIsNone(due["PAUSED_COPY"])
        self.assertEqual(self.rows(client, "DATABASES LIMIT 10000")["RAW"]["options"], "TRANSIENT")

    def test_a_role_sees_what_it_may_and_nothing_is_an_empty_answer(self):
        _, client = self.serve(roles=("LIMITED", "PUBLIC", "ACCOUNTADMIN"))
        self.assertEqual(set(self.rows(client, "WAREHOUSES")), {WAREHOUSE})
        for kind in KINDS:
            reply = client.post(f"SHOW {kind}", role="PUBLIC").json()
            self.assertEqual(reply["data"], [])
            self.assertEqual(reply["resultSetMetaData"]["partitionInfo"],
                             [{"rowCount": 0, "uncompressedSize": 0}])
        self.assert_refused(client.named("queries"), 422, "002003", "42S02")
        self.assertEqual(client.named("warehouse_credits").status, 200)
        self.assertEqual(client.named("alerts", role="ACCOUNTADMIN").status, 200)
        self.assertIsNotNone(self.rows(client, "DYNAMIC TABLES", role="ACCOUNTADMIN")["HIDDEN"]["rows"])

    def test_clauses(self):
        _, client = self.serve()
        self.assertEqual(set(self.rows(client, "WAREHOUSES LIKE 'a%wh'")),
                         {"ALWAYS_ON_WH", "ADHOC_WH", "ADAPTIVE_WH"})
        self.assertEqual(list(self.rows(client, "TASKS IN ACCOUNT LIMIT 2")), ["COMPACT", "GAVE_UP"])
        self.assertEqual(list(self.rows(client, "TASKS LIMIT 2 FROM 'GAVE_UP'")), ["LOAD_CHILD", "LOAD_ROOT"])
        self.assertFalse(self.rows(client, "TASKS", database="RAW"))
        self.assertEqual(len(self.rows(client, "TASKS IN ACCOUNT", database="RAW")), 5)
        self.assertEqual(len(self.rows(client, 'TASKS IN DATABASE "ANALYTICS"')), 5)
        self.assertEqual(len(self.rows(client, "tasks in account;")), 5)

    def test_more_than_ten_thousand_rows_are_cut_or_refused(self):
        fake, client = self.serve()
        fake.rows_of_a_partition = 20_000
        account = fake.account
        for number in range(10_001):
            account.tasks.append(objects.Task(f"TASK_{number}", number))
            account.pipes.append(objects.Pipe(f"PIPE_{number}", number))
        self.assertEqual(len(client.post("SHOW PIPES IN ACCOUNT").rows()), 10_000)
        self.assert_refused(client.post("SHOW TASKS IN ACCOUNT"), 422, "090153", "22000")
        self.assertEqual(len(client.post("SHOW TASKS IN ACCOUNT LIMIT 10000").rows()), 10_000)

    def test_columns_change(self):
        _, client = self.serve()
        before = list(client.post("SHOW TASKS").rows()[0])
        client.make_faults({"fault": "columns", "reverse": True, "drop": ["state", "id"], "add": ["new_one"]})
        after = client.post("SHOW TASKS").rows()[0]
        kept = [name for name in before[::-1] if name not in ("state", "id")]
        self.assertEqual(list(after), [*kept, "new_one"])


class Views(Served):
    @classmethod
    def setUpClass(cls):
        cls.account = Account(NOW)
        cls.account.advance(NOW + 3 * DAY)  # after which all earlier events are visible

    def test_every_statement_answers_its_columns(self):
        fake, client = self.serve(is_alive=True, roles=("ACCOUNTADMIN",))
        fake.clock.advance(3 * DAY)  # the latest view's delay
        for name, statement in STATEMENTS.items():
            with self.subTest(name):
                rows = client.named(name, NOW - 3 * DAY, NOW).rows()
                self.assertTrue(rows)
                expected = ([*statement.labels, "B", *statement.values] if name in COUNTERS
                            else list(statement.names))
                self.assertTrue(all(list(row) == expected for row in rows))

    def test_two_windows_are_one(self):
        low, middle, high = (NOW // DAY * DAY + days * DAY for days in (-1, 0, 2))
        for name, statement in COUNTERS.items():
            with self.subTest(name):
                first, second, both = (
                    statement.answer(self.account.usage, Request(self.account.now, *bounds))
                    for bounds in ((low, middle), (middle, high), (low, high)))
                self.assertTrue(first.rows)
                self.assertEqual(sorted(map(str, first.rows + second.rows)), sorted(map(str, both.rows)))
                bucket = [column.name for column in both.columns].index("B")
                self.assertTrue(all(low <= row[bucket] < middle for row in first.rows))
                self.assertTrue(all(middle <= row[bucket] < high for row in second.rows))

    def test_every_view_has_its_columns_and_rows(self):
        for view in self.account.usage.rows:
            with self.subTest(view):
                rows = self.account.usage.table(view, self.account.now)
                if view not in ("SESSIONS", "RESOURCE_MONITORS"):
                    self.assertTrue(rows)
                self.assertTrue(all(set(row) == set(LAYOUTS[view].columns) for row in rows))

    def test_a_row_is_seen_within_the_documented_delay(self):
        for view, delay in (("QUERY_HISTORY", 45 * MINUTE), ("WAREHOUSE_METERING_HISTORY", 3 * HOUR),
                            ("LOGIN_HISTORY", 2 * HOUR)):
            with self.subTest(view):
                usage = self.account.usage
                rows = [row for row in usage.rows[view] if row.time < NOW]
                late = [row.versions[0][0] - row.time - (HOUR if "METERING" in view else 0) for row in rows]
                self.assertGreater(min(late), 0.3 * delay)
                self.assertLessEqual(max(late), delay)
                self.assertFalse([row for row in usage.visible(view, NOW, NOW - 0.3 * delay, NOW)])
                self.assertTrue(usage.visible(view, NOW + delay + HOUR, NOW - delay, NOW))

    def test_credits_of_all_hours_are_those_of_the_warehouses(self):
        rows = self.account.usage.table("WAREHOUSE_METERING_HISTORY", NOW + 9 * DAY)
        for warehouse in self.account.warehouses.values():
            with self.subTest(warehouse.name):
                seen = sum(row["CREDITS_USED_COMPUTE"] for row in rows
                           if row["WAREHOUSE_ID"] == warehouse.number)
                used = sum(credits for _, credits in warehouse.hours.values())
                self.assertAlmostEqual(float(seen), float(used), places=5)
        for row in rows:
            attributed = row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"]
            self.assertEqual(attributed is None, row["WAREHOUSE_ID"] == 1007)
            self.assertLessEqual(attributed or 0, row["CREDITS_USED_COMPUTE"])

    def test_what_statements_cost_is_never_more_than_the_bill(self):
        usage, now = self.account.usage, NOW + 9 * DAY
        hours = usage.table("WAREHOUSE_METERING_HISTORY", now)
        metered = sum(row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"] or 0 for row in hours)
        queries = usage.table("QUERY_ATTRIBUTION_HISTORY", now)
        own = sum(row["CREDITS_ATTRIBUTED_COMPUTE"] for row in queries)
        self.assertGreater(own, 100)
        self.assertAlmostEqual(own, float(metered), delta=0.5)  # without the last hour's and very short statements
        known = {row["QUERY_ID"] for row in usage.table("QUERY_HISTORY", now)}
        self.assertTrue(all(row["QUERY_ID"] in known for row in queries))

    def test_cloud_services_and_names_come_later(self):
        hours = self.account.usage.rows["WAREHOUSE_METERING_HISTORY"]
        first, last = (sum(row.versions[at][1]["CREDITS_USED_COMPUTE"] for row in hours) for at in (0, -1))
        self.assertLess(first, last)
        for view, name in (("WAREHOUSE_METERING_HISTORY", "CREDITS_USED_CLOUD_SERVICES"),
                           ("PIPE_USAGE_HISTORY", "PIPE_NAME"), ("QUERY_METERING_HISTORY", "WAREHOUSE_NAME"),
                           ("DYNAMIC_TABLE_REFRESH_HISTORY", "REFRESH_END_TIME"),
                           ("LOCK_WAIT_HISTORY", "ACQUIRED_AT")):
            with self.subTest(view):
                rows = self.account.usage.rows[view]
                self.assertTrue(any(not row.versions[0][1].get(name) and row.versions[-1][1].get(name)
                                    for row in rows))

    def test_a_tenth_of_the_day_is_free_and_the_adjustment_negative(self):
        day = int(NOW // DAY * DAY)
        rows = [row for row in self.account.usage.table("METERING_DAILY_HISTORY", NOW + 9 * DAY)
                if row["USAGE_DATE"] == day]
        compute = next(row["CREDITS_USED_COMPUTE"] for row in rows
                       if row["SERVICE_TYPE"] == "WAREHOUSE_METERING")
        cloud = sum(row["CREDITS_USED_CLOUD_SERVICES"] for row in rows)
        adjusted = sum(row["CREDITS_ADJUSTMENT_CLOUD_SERVICES"] for row in rows)
        self.assertLess(adjusted, 0)
        self.assertAlmostEqual(float(-adjusted), float(min(cloud, compute / 10)), places=6)
        self.assertAlmostEqual(float(sum(row["CREDITS_BILLED"] for row in rows)),
                               float(sum(row["CREDITS_USED"] for row in rows) + adjusted), places=6)

    def test_a_warehouse_is_renamed(self):
        account = Account(NOW, past=DAY)
        account.advance(NOW + 7 * HOUR)
        before = account.usage.table("WAREHOUSE_METERING_HISTORY", account.now)
        account.rename_warehouse("ADHOC_WH", "ADHOC_2")
        account.advance(NOW + 2 * DAY)
        after = {(row["WAREHOUSE_ID"], row["START_TIME"]): row
                 for row in account.usage.table("WAREHOUSE_METERING_HISTORY", account.now)}
        names = {row["WAREHOUSE_NAME"] for row in after.values() if row["WAREHOUSE_ID"] == 1005}
        self.assertEqual(names, {"ADHOC_WH", "ADHOC_2"})
        changed = {key for key, row in after.items()
                   if any(key == (old["WAREHOUSE_ID"], old["START_TIME"])
                          and old["WAREHOUSE_NAME"] != row["WAREHOUSE_NAME"] for old in before)}
        self.assertEqual({number for number, _ in changed}, {1005})

    def test_what_is_seen_at_the_end_is_the_truth(self):
        """The buckets of repeated reads add up to what happened."""
        low, units = NOW - DAY // 2, {}
        fake, client = self.serve(is_alive=True, roles=("ACCOUNTADMIN",))
        for _ in range(60):
            rows = client.named("warehouse_credits", low, fake.account.now).rows()
            units.update({(row["L_WAREHOUSE"], row["B"]): float(row["V_CREDITS_COMPUTE"]) for row in rows})
            fake.clock.advance(HOUR)
        found = {}
        for (name, bucket), value in units.items():
            if int(bucket) < NOW + DAY:
                found[name] = found.get(name, 0) + value
        expected = {}
        for row in fake.account.usage.table("WAREHOUSE_METERING_HISTORY", fake.account.now):
            if low // HOUR * HOUR + HOUR <= row["START_TIME"] < NOW + DAY:
                expected[row["WAREHOUSE_NAME"]] = expected.get(row["WAREHOUSE_NAME"], 0) + float(
                    row["CREDITS_USED_COMPUTE"])
        self.assertEqual({name: round(value, 6) for name, value in found.items()},
                         {name: round(value, 6) for name, value in expected.items()})

    def test_others_may_answer_instead(self):
        asked = []

        def answer(name, text, now):
            asked.append((name, now, text[:8]))
            return Table([Column("N", "fixed", 38, 2)], [[Decimal("1.5")]])

        _, client = self.serve(answer=answer)
        self.assertEqual(client.named("storage").rows(), [{"N": "1.50"}])
        self.assertEqual(asked, [("storage", NOW, "SELECT 1")])

    def test_own_statements_are_in_the_history_with_their_tag(self):
        fake, client = self.serve()
        for _ in range(3):
            client.named("storage")
        self.assertEqual(client.named("alerts").status, 422)
        fake.clock.advance(HOUR)
        rows = client.named("queries", NOW - HOUR, NOW + HOUR).rows()
        found = {row["L_WAREHOUSE"]: (row["L_STATUS"], row["V_QUERIES"], row["V_EXECUTION_MS"])
                 for row in rows}
        self.assertEqual(found, {WAREHOUSE: ("success", "3", "6000"), "": ("fail", "1", "0")})
        tags = [json.loads(row["QUERY_TAG"])["statement"]
                for row in fake.account.usage.table("QUERY_HISTORY", fake.account.now)]
        self.assertEqual(sorted(tags), ["alerts", *["storage"] * 3])

    def test_a_statement_must_name_its_view_and_its_bounds(self):
        _, client = self.serve()
        tag = {"query_tag": json.dumps({"app": "snowflake_exporter", "statement": "tasks"})}
        view = "SELECT 1 FROM SNOWFLAKE.ACCOUNT_USAGE."
        self.assert_refused(client.post(view + "PIPE_USAGE_HISTORY", parameters=tag), 422, "000904", "42000")
        self.assert_refused(client.post(view + "TASK_HISTORY", parameters=tag), 422, "001003", "42000")
        self.assert_refused(client.post(view + "TASK_HISTORY"), 422, "001003", "42000")

    def test_the_same_seed_is_the_same_history(self):
        at_once, in_steps = (Account(NOW, past=DAY) for _ in range(2))
        at_once.advance(NOW + 6 * HOUR)
        for step in range(6 * 60):
            in_steps.advance(NOW + step * MINUTE)
        in_steps.advance(NOW + 6 * HOUR)
        self.assertEqual(truth.counters(at_once), truth.counters(in_steps))
        self.assertEqual(truth.warehouses(at_once), truth.warehouses(in_steps))
        self.assertNotEqual(truth.counters(at_once), truth.counters(Account(NOW, seed=2, past=DAY)))

    def test_what_is_asked_changes_nothing_of_the_history(self):
        accounts = [Account(NOW, past=DAY) for _ in range(2)]
        for step in range(12):
            for account in accounts:
                account.advance(NOW + step * 10 * MINUTE)
            accounts[0].run(WAREHOUSE, 2, QUERY_TAG="of the exporter")
        first, second = (truth.counters(account, seen=account.now) for account in accounts)
        self.assertNotEqual(first["queries"], second["queries"])
        for name in set(COUNTERS) - {"queries", "warehouse_load", "warehouse_events",
                                     "warehouse_credits", "service_credits"}:
            self.assertEqual(first[name], second[name], name)

    def answered(self, name, keys=()):
        low, high = NOW - 3 * DAY, NOW + DAY
        table = STATEMENTS[name].answer(self.account.usage, Request(self.account.now, low, high, keys))
        return [dict(zip([column.name for column in table.columns], row)) for row in table.rows]

    def test_names_are_shown_of_what_failed_alone(self):
        for name, label, is_named in (
                ("tasks", "L_TASK", lambda row: row["L_STATE"].startswith("failed")),
                ("copies", "L_DATASET", lambda row: row["L_STATUS"] != "loaded"),
                ("dynamic_tables", "L_DATASET", lambda row: row["L_STATE"].endswith("failed")),
                ("alerts", "L_ALERT", lambda row: row["L_STATE"] != "condition_false"),
                ("logins", "L_CLIENT", lambda row: row["L_SUCCESS"] == "yes")):
            with self.subTest(name):
                rows = self.answered(name)
                self.assertEqual({is_named(row) for row in rows}, {True, False})
                self.assertTrue(all(bool(row[label]) == is_named(row) for row in rows))

    def test_what_was_dropped_is_one(self):
        databases = {row["L_DATABASE"]: row["G_BYTES"] for row in self.answered("database_storage")}
        self.assertEqual(set(databases), {"RAW", "ANALYTICS", 'Données "é"\n', ""})
        self.assertEqual(databases[""], (17 << 20) + (18 << 20))
        schemas = {(row["L_DATABASE"], row["L_SCHEMA"]): row["G_DROPPED_BYTES"]
                   for row in self.answered("table_storage")}
        self.assertEqual(schemas, {("RAW", "EVENTS"): 1 << 21, ("ANALYTICS", "MARTS"): 0,
                                   ('Données "é"\n', "PUBLIC"): 0, ("", ""): 2 << 21})

    def test_credits_are_laid_on_who_ran_the_statement(self):
        rows = self.answered("attribution")
        names = ("L_WAREHOUSE", "L_TOOL", "L_PACKAGE", "L_TARGET", "L_DAG_ID", "L_UNIQUE_ID")
        found = {tuple(row[name] for name in names) for row in rows}
        self.assertEqual(found, {
            ("LOAD_WH", "airflow", "", "", "ingest_orders", ""),
            ("TRANSFORM_WH", "dbt", "shop", "prod", "", "model.shop.orders"),
            ("TRANSFORM_WH", "dbt", "shop", "prod", "transform", "model.shop.sessions"),
            ("ALWAYS_ON_WH", "other", "", "", "", ""),
            *((warehouse, "none", "", "", "", "") for warehouse in (
                objects.HOSTILE, "TRANSFORM_WH", "ADHOC_WH"))})
        for row in rows:
            self.assertEqual(row["V_NODE_CREDITS"], row["V_CREDITS"] if row["L_UNIQUE_ID"] else None)
        usage = self.account.usage.table("QUERY_ATTRIBUTION_HISTORY", self.account.now)
        self.assertAlmostEqual(
            sum(row["V_CREDITS"] for row in rows),
            sum(row["CREDITS_ATTRIBUTED_COMPUTE"] for row in usage
                if NOW - 3 * DAY <= row["END_TIME"] < NOW + DAY))

    def test_credits_are_laid_on_values_of_keys(self):
        rows = self.answered("query_tags", keys=("team", "dag_id", "nowhere"))
        found = {(row["L_WAREHOUSE"], row["L_KEY"], row["L_VALUE"]) for row in rows if row["L_VALUE"]}
        self.assertEqual(found, {
            ("LOAD_WH", "team", "loading"), ("LOAD_WH", "dag_id", "ingest_orders"),
            ("TRANSFORM_WH", "team", "shop"), ("TRANSFORM_WH", "team", "analytics"),
            ("TRANSFORM_WH", "dag_id", "transform")})
        of_all = sum(row["V_CREDITS"] for row in self.answered("attribution"))
        for key in ("team", "dag_id", "nowhere"):
            self.assertAlmostEqual(sum(row["V_CREDITS"] for row in rows if row["L_KEY"] == key), of_all)

    def test_a_life_has_what_an_exporter_must_tell(self):
        text = json.dumps(truth.counters(self.account))
        for expected in ('"L_STATUS": "cancelled"', '"L_STATUS": "fail"', '"L_CLASS": "dml"',
                         '"L_STATE": "failed"', '"L_STATE": "skipped"', '"L_STATUS": "partially_loaded"',
                         '"L_OUTCOME": "failed"', '"L_SECOND_FACTOR": "yes"', json.dumps(objects.HOSTILE),
                         '"L_EVENT": "suspend_warehouse"', '"L_DATASET": "raw.events.orders"'):
            self.assertIn(expected, text)
        counted = truth.counters(self.account)
        for name, value in (("queries", "V_QUEUED_OVERLOAD_MS"), ("tasks", "V_RETRIES"),
                            ("dynamic_tables", "V_LATE"), ("alerts", "V_RUNS")):
            self.assertGreater(sum(one[value] for one in counted[name]), 0, value)


class TagValues(unittest.TestCase):
    def test_values_of_a_key(self):
        for tag, expected in (('{"team": "a"}', "a"), ("{'team': 'a'}", "a"), ('{"team": 7}', "7"),
                              ('{"team": 1.5}', "1.5"), ('{"team": true}', "true"), ('{"team": null}', ""),
                              ('{"team": {"a": 1}}', ""), ('{"team": [1]}', ""), ('{"team": "{x"}', ""),
                              ('{"TEAM": "a"}', ""), ("team", ""), ("", ""), ('["team"]', ""),
                              (json.dumps({"team": 101 * "é"}), 100 * "é")):
            with self.subTest(tag):
                self.assertEqual(attribution.tag_value(tag, "team"), expected)


class Owners(unittest.TestCase):
    DBT = '/* {"app": "dbt", "node_id": "model.shop.a", "target_name": "prod"} */'

    def test_owners_of_statements(self):
        dbt, nobody = ("dbt", "shop", "prod", "", "model.shop.a"), ("none", "", "", "", "")
        for text, tag, expected in (
                (f"  {self.DBT} select 1", "", dbt), (f"select 1\n{self.DBT} ;\r\n", "", dbt),
                (f"\n{self.DBT} select 1", "", nobody), (f"select '{self.DBT}' as text", "", nobody),
                (self.DBT[:40], "", nobody), (self.DBT[:40] + " */", "", nobody), ("", "", nobody),
                (f"select '{self.DBT}' {self.DBT.replace('.a', '.b')}", "", (*dbt[:4], "model.shop.b")),
                ('select 1 /* {"app": "looker"} */', "", nobody),
                (f"select '{self.DBT}' /* plain */", "", nobody),
                (f'/* {{"mine": 1}} */ select 1 {self.DBT}', "", dbt),
                (f'{self.DBT} select 1 /* {{"mine": 1}} */', "", dbt),
                (f"{self.DBT.replace('model.shop.a', 'internal')}", "", ("dbt", "", "prod", "", "")),
                ('/* {"app": "dbt"} */ select 1', "", ("dbt", "", "", "", "")),
                ("select 1", '{"dag_id": "d"}', ("airflow", "", "", "d", "")),
                ("select 1", "{'dag_id': 'd'}", ("airflow", "", "", "d", "")),
                (f"{self.DBT} select 1", "{'dag_id': 'd'}", (*dbt[:3], "d", dbt[4])),
                ("select 1", '{"app": "dbt", "node_id": "seed.shop.s"}',
                 ("dbt", "shop", "", "", "seed.shop.s")),
                ("select 1", "5", ("other", "", "", "", "")),
                ("select 1", "free text", ("other", "", "", "", ""))):
            with self.subTest(text=text, tag=tag):
                self.assertEqual(tuple(attribution.owner(text, tag).values()), expected)


if __name__ == "__main__":
    unittest.main()
