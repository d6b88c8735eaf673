"""The SQL API of the fake Snowflake for demo, tests and benchmarks."""

import http.client
import unittest
import uuid

from snowflake_client import HOUR, NOW, ROLE, WAREHOUSE, Served


class Api(Served):
    def test_an_answer_has_what_the_recorded_ones_have(self):
        _, client = self.serve()
        request_id = str(uuid.uuid4())
        reply = client.post("SHOW WAREHOUSES", f"?requestId={request_id}")
        body = reply.json()
        handle = body["statementHandle"]
        expected = {"code": "090001", "sqlState": "00000", "message": "Statement executed successfully.",
                    "requestId": request_id, "createdOn": int(NOW * 1000)}
        self.assertEqual(body, body | expected)
        self.assertEqual(body["statementStatusUrl"], f"/api/v2/statements/{handle}?requestId={request_id}")
        self.assertRegex(reply.headers["Link"], rf"^</api/v2/statements/{handle}\?requestId=[0-9a-f-]+"
                         r'&partition=0>; rel="first",<[^>]+&partition=0>; rel="last"$')
        meta = body["resultSetMetaData"]
        self.assertEqual((meta["format"], meta["numRows"], len(meta["partitionInfo"])), ("jsonv2", 8, 1))
        self.assertEqual(meta["rowType"][0], {
            "name": "name", "database": "", "schema": "", "table": "", "precision": None, "collation": None,
            "byteLength": 16777216, "scale": None, "nullable": True, "length": 16777216, "type": "text"})
        types = {column["name"]: column for column in meta["rowType"]}
        self.assertEqual([types["created_on"][key] for key in ("type", "precision", "scale", "length")],
                         ["timestamp_ltz", 0, 3, None])
        self.assertEqual([types["running"][key] for key in ("type", "precision", "scale")], ["fixed", 9, 0])
        self.assertEqual(client.get(handle).json()["data"], body["data"])

    def test_what_the_head_of_a_request_must_have(self):
        fake, client = self.serve()
        path, body = "/api/v2/statements", {"statement": "SELECT 1"}
        for status, changed in ((400, {"User_Agent": None}), (400, {"User_Agent": "test"}),
                                (415, {"Content_Type": "text/plain"}), (400, {"Accept": "text/html"}),
                                (401, {"Authorization": None}), (401, {"Authorization": "Bearer other"}),
                                (200, {"Content_Type": "application/json; charset=utf-8", "Accept": "*/*"})):
            with self.subTest(changed):
                self.assertEqual(client.ask("POST", path, body, **changed).status, status)
        self.assertEqual(client.ask("GET", path).status, 405)
        self.assertEqual(client.ask("POST", path + "/x", {}).status, 405)
        self.assertEqual(client.ask("GET", "/api/v2/warehouses").status, 404)
        self.assertEqual(fake.account.executions, {"SELECT": 1})
        self.assertEqual([each["fault"] for each in client.ask("GET", "/fake/log").json()],
                         ["user agent", "user agent", "authorization", "token"])

    def test_a_payload_is_checked(self):
        fake, client = self.serve()
        for body in (b"", b"[]", b"{", {}, {"statement": 1}, {"statement": "SELECT 1", "sql": ""},
                     {"statement": "SELECT 1", "parameters": {"timestamp_input_format": "x"}},
                     {"statement": "SELECT 1", "parameters": []}, {"statement": "SELECT 1", "bindings": None},
                     {"statement": "SELECT 1", "parameters": {"multi_statement_count": "two"}},
                     {"statement": "SELECT 1", "timeout": "60"}, {"statement": "SELECT 1", "timeout": -1}):
            with self.subTest(body):
                self.assert_refused(client.ask("POST", "/api/v2/statements", body), 400, "390142")
        self.assert_refused(client.post("SELECT 1", "?requestId=1"), 400, "391901")
        bound = {"1": {"type": "FIXED", "value": "x"}}
        self.assert_refused(client.post("SELECT 1", bindings=bound), 422, "100037", "22018")
        self.assertFalse(fake.account.executions)

    def test_a_request_is_repeated_only_if_it_had_not_succeeded(self):
        fake, client = self.serve()
        first, second = (f"?requestId={uuid.uuid4()}" for _ in range(2))
        handle = client.post("SHOW TASKS", first).json()["statementHandle"]
        self.assertEqual(client.post("SHOW TASKS", first + "&retry=true").json()["statementHandle"], handle)
        self.assertEqual((fake.account.executions["SHOW TASKS"], fake.statements.repeated), (1, 1))
        self.assertNotEqual(client.post("SHOW TASKS", first).json()["statementHandle"], handle)
        self.assertEqual(fake.account.executions["SHOW TASKS"], 2)
        client.make_faults({"fault": "error", "count": 1})
        self.assertEqual(client.post("SHOW TASKS", second).status, 422)
        self.assertEqual(client.post("SHOW TASKS", second + "&retry=true").status, 200)
        self.assertEqual((fake.account.executions["SHOW TASKS"], fake.statements.repeated), (4, 1))

    def test_an_answer_that_was_lost_is_not_executed_again(self):
        fake, client = self.serve()
        client.make_faults({"fault": "lost", "count": 1})
        request = f"?requestId={uuid.uuid4()}"
        with self.assertRaises(http.client.BadStatusLine):
            client.post("SHOW TASKS", request)
        self.assertEqual(client.post("SHOW TASKS", request + "&retry=true").status, 200)
        self.assertEqual((fake.account.executions["SHOW TASKS"], fake.statements.repeated), (1, 1))

    def test_errors_of_statements(self):
        _, client = self.serve()
        view = "SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE."
        for statement, code, state in (("SHOW NOTHING", "001003", "42000"), ("", "001003", "42000"),
                                       ("EXPLODE", "001003", "42000"), ("SELECT NONE", "000904", "42000"),
                                       ("ALTER SESSION SET X = 1", "003001", "42501"),
                                       ("SELECT 1; SELECT 2", "000008", "0A000"),
                                       (view + "NOTHING", "002003", "42S02"),
                                       (view + "ALERT_HISTORY", "002003", "42S02")):
            with self.subTest(statement):
                reply = client.post(statement)
                self.assert_refused(reply, 422, code, state)
                again = client.get(reply.json()["statementHandle"]) if code != "000008" else reply
                self.assert_refused(again, 422, code, state)
        self.assert_refused(client.get("01c4d8d0-0000-0000-0000-000000000000"), 422, "000709", "02000")

    def test_role_and_warehouse_are_as_they_are_written(self):
        _, client = self.serve()
        self.assert_refused(client.post("SELECT 1", role=ROLE.lower()), 403, "390189")
        self.assert_refused(client.post("SELECT 1", role="ACCOUNTADMIN"), 403, "390189")
        for warehouse in (WAREHOUSE.lower(), "LOAD_WH", "", None):
            with self.subTest(warehouse):
                self.assert_refused(client.named("storage", warehouse=warehouse), 422, "000606", "57P03")
        self.assertEqual(client.named("storage", warehouse=WAREHOUSE).status, 200)
        self.assertEqual(client.post("SHOW WAREHOUSES", warehouse=None).status, 200)

    def test_several_statements_in_one_request_need_a_warehouse(self):
        fake, client = self.serve()
        several = {"parameters": {"multi_statement_count": "2"}}
        self.assert_refused(client.post("SHOW TASKS; SHOW PIPES", warehouse=None, **several), 422, "000606",
                            "57P03")
        body = client.post("SHOW TASKS; SHOW PIPES;", **several).json()
        self.assertEqual(len(body["statementHandles"]), 2)
        self.assertEqual(client.get(body["statementHandles"][1]).rows(), client.post("SHOW PIPES").rows())
        one = client.post("-- a comment; of two\n/* and; another */ SELECT 'a;b', 1;")
        self.assertEqual(one.json()["data"], [["a;b", "1"]])
        self.assert_refused(client.post("SHOW TASKS; NONSENSE", **several), 422, "100132", "P0000")
        self.assertEqual(fake.account.executions["SHOW TASKS"], 2)

    def test_a_statement_is_polled(self):
        fake, client = self.serve()
        client.make_faults({"fault": "running", "polls": 2, "count": 1}, {"fault": "busy_poll", "count": 1})
        reply = client.named("storage")
        handle = reply.json()["statementHandle"]
        self.assertEqual((reply.status, reply.json()["code"]), (202, "333334"))
        fake.clock.advance(10)
        self.assertEqual([client.get(handle).status for _ in range(5)], [429, 202, 202, 200, 200])
        self.assertEqual(client.get(handle).json()["code"], "090001")
        row = fake.account.usage.rows["QUERY_HISTORY"][-1].versions[-1][1]
        self.assertEqual(row["TOTAL_ELAPSED_TIME"], 10_000)

    def test_async_is_answered_at_once_and_a_long_statement_after_45_seconds(self):
        fake, client = self.serve()
        reply = client.named("storage", query="?async=true")
        self.assertEqual(reply.status, 202)
        self.assertEqual(client.get(reply.json()["statementHandle"]).status, 200)
        client.make_faults({"fault": "long", "seconds": 60})
        reply = client.named("storage")
        self.assertEqual(reply.status, 202)
        fake.clock.advance(59)
        self.assertEqual(client.get(reply.json()["statementHandle"]).status, 202)
        fake.clock.advance(2)
        self.assertEqual(client.get(reply.json()["statementHandle"]).status, 200)

    def test_what_nobody_polls_ends_all_the_same(self):
        fake, client = self.serve()
        client.named("storage", query="?async=true")
        fake.clock.advance(HOUR)
        client.ask("GET", "/fake/health")
        self.assertEqual(len(fake.account.usage.rows["QUERY_HISTORY"]), 1)

    def test_a_timeout_is_408_and_ends_the_statement(self):
        fake, client = self.serve()
        client.make_faults({"fault": "long", "seconds": 300})
        self.assert_refused(client.named("storage", timeout=20), 408, "000630", "57014")
        self.assertEqual(client.named("storage", timeout=0).status, 202)  # 0 is the longest timeout
        fake.clock.advance(HOUR)
        before, reply = client.billed(), client.named("storage", timeout=100)
        self.assertEqual(reply.status, 202)
        fake.clock.advance(101)
        self.assert_refused(client.get(reply.json()["statementHandle"]), 408, "000630", "57014")
        fake.clock.advance(HOUR)
        # 1 s to resume and 100 s of execution, then idle until it suspends
        self.assertEqual(client.billed() - before, 100 + 60)

    def test_a_cancel_ends_the_statement(self):
        fake, client = self.serve()
        client.make_faults({"fault": "running"})
        handle = client.named("storage").json()["statementHandle"]
        fake.clock.advance(300)
        self.assertEqual(client.get(handle).status, 202)
        reply = client.ask("POST", f"/api/v2/statements/{handle}/cancel")
        self.assert_refused(reply, 200, "000604", "57014")
        self.assert_refused(client.get(handle), 422, "000604", "57014")
        self.assert_refused(client.ask("POST", f"/api/v2/statements/{handle}/cancel"), 422, "000709", "02000")
        fake.clock.advance(HOUR)
        self.assertEqual(client.billed(), 300 + 60)

    def test_partitions_but_the_first_are_gzipped_and_bare(self):
        fake, client = self.serve()
        fake.rows_of_a_partition = 3
        reply = client.post("SHOW WAREHOUSES")
        meta, rows = reply.json()["resultSetMetaData"], reply.json()["data"]
        self.assertEqual([part["rowCount"] for part in meta["partitionInfo"]], [3, 3, 2])
        self.assertEqual(["compressedSize" in part for part in meta["partitionInfo"]], [False, True, True])
        for number in (1, 2):
            part = client.get(reply.json()["statementHandle"], f"?partition={number}")
            self.assertEqual((part.headers["Content-Encoding"], set(part.json())), ("gzip", {"data"}))
            rows += part.json()["data"]
        self.assertEqual(len(rows), meta["numRows"])
        fake.rows_of_a_partition = 100
        self.assertEqual(rows, client.post("SHOW WAREHOUSES").json()["data"])
        self.assertEqual(client.get(reply.json()["statementHandle"], "?partition=3").status, 422)

    def test_parameters(self):
        _, client = self.serve()
        self.assertEqual(len(client.post("SHOW TASKS", parameters={"rows_per_resultset": 2}).rows()), 2)
        self.assertEqual(len(client.post("SHOW TASKS", parameters={"rows_per_resultset": "0"}).rows()), 5)
        client.named("storage")
        client.post("SHOW TASKS")
        self.assertEqual(client.ask("GET", "/fake/log").json(), [])
        client.post("SELECT 1 FROM SNOWFLAKE.ACCOUNT_USAGE.TABLES")
        self.assertEqual([each["fault"] for each in client.ask("GET", "/fake/log").json()], ["timezone"])

    def test_null_may_be_a_text(self):
        _, client = self.serve()
        for query, expected in (("", None), ("?nullable=true", None), ("?nullable=false", "null")):
            reply = client.post("SHOW WAREHOUSES LIKE 'ADAPTIVE%'", query)
            self.assertEqual([row["size"] for row in reply.rows()], [expected])
            handle = reply.json()["statementHandle"]
            self.assertEqual(client.get(handle).json()["data"], reply.json()["data"])
            self.assertEqual(client.get(handle, "?nullable=true").status, 400)

    def test_each_fault(self):
        fake, client = self.serve()
        for status in (429, 500, 502, 503, 504):
            client.make_faults({"fault": "status", "status": status, "count": 1, "retry_after": 7})
            reply = client.post("SHOW TASKS")
            self.assertEqual((reply.status, reply.headers["Retry-After"]), (status, "7"))
            self.assertEqual(client.post("SHOW TASKS").status, 200)
        client.make_faults({"fault": "status", "status": 429, "statement": "SHOW PIPES"})
        self.assertEqual([client.post(f"SHOW {kind}").status for kind in ("TASKS", "PIPES", "PIPES")],
                         [200, 429, 429])
        self.assertIsNone(client.post("SHOW PIPES").headers["Retry-After"])
        client.make_faults({"fault": "expired", "count": 1})
        self.assert_refused(client.post("SHOW TASKS"), 401, "390144")
        self.assertEqual(client.post("SHOW TASKS").status, 200)
        client.make_faults({"fault": "cut"})
        with self.assertRaises(http.client.IncompleteRead):
            client.post("SHOW TASKS")
        client.make_faults({"fault": "huge", "bytes": 1 << 20})
        self.assertGreater(len(client.post("SHOW TASKS").raw), 1 << 20)
        client.make_faults({"fault": "not_json"})
        self.assertEqual(client.post("SHOW TASKS").headers["Content-Type"], "text/html")
        client.make_faults({"fault": "not_json", "status": 503})
        self.assertEqual(client.post("SHOW TASKS").status, 503)
        client.make_faults({"fault": "wrong_types"})
        self.assertIsInstance(client.post("SHOW TASKS").json()["data"], dict)
        client.make_faults({"fault": "incomplete"})
        self.assertEqual(client.post("SHOW TASKS").json()["code"], "391908")
        client.make_faults({"fault": "slow"})
        self.assertEqual(len(client.post("SHOW TASKS").rows()), 5)
        client.make_faults({"fault": "timeout"})
        self.assertEqual(client.post("SHOW TASKS").status, 408)
        client.make_faults({"fault": "error", "code": "003001", "sql_state": "42501"})
        self.assert_refused(client.post("SHOW TASKS"), 422, "003001", "42501")
        client.make_faults({"fault": "skew", "seconds": 600})
        self.assertEqual(client.post("SHOW TASKS").json()["createdOn"], int(NOW + 600) * 1000)
        self.assertEqual(client.ask("POST", "/fake/faults", [{"fault": "nonsense"}]).status, 400)
        self.assertEqual(client.truth()["faults"]["cut"], 1)
        self.assertEqual(client.ask("POST", "/fake/clock", {"advance": 5}).json(), {"now": NOW + 5})
        self.assertEqual(client.ask("GET", "/fake/health").json(), {"now": NOW + 5})
        self.assertEqual(client.ask("GET", "/fake/nothing").status, 404)


if __name__ == "__main__":
    unittest.main()
