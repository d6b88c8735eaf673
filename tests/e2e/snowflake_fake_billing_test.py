"""The seconds and credits that the fake Snowflake bills for given sequences of statements."""

import json
import random
import re
import unittest
from fractions import Fraction

from snowflake_client import DAY, HOUR, KINDS, MINUTE, NOW, WAREHOUSE, Served
from snowflake_fake.account import Account
from snowflake_fake.protocol import Refusal
from snowflake_fake.warehouse import Monitor, Warehouse

ACTS = {"ask": 50, "poll": 30, "cancel": 5, "faults": 5, "resize": 3, "suspend": 3}  # requests and their weights
CYCLE = ("storage", "warehouse_credits", "queries", "logins", "tasks")


class Billing(unittest.TestCase):
    """Given sequences of statements, in seconds and credits."""

    def warehouse(self, **options):
        warehouse = Warehouse("WH", 1, **({"auto_suspend": 60} | options))
        warehouse.closed = 0
        return warehouse

    def used(self, warehouse, now, high=10 * HOUR):
        warehouse.settle(now)
        return warehouse.used(0, high, now)

    def test_seconds_from_the_resume_to_the_suspension(self):
        for runs, expected, resumes in (
                ([], 0, 0),
                ([(100, 2)], 63, 1),  # 1 s to resume, 2 s of execution, 60 s idle
                ([(100, 200)], 261, 1),
                ([(100, 2), (130, 2)], 92, 1),  # the second statement finds it running
                ([(100, 2), (164, 2)], 126, 2),  # here it was suspended a second before
                ([(100.4, 2)] * 5, 64, 1)):  # at the same time: parts of seconds are rounded up
            with self.subTest(runs):
                warehouse = self.warehouse()
                for at, seconds in runs:
                    warehouse.begin(at, seconds)
                self.assertEqual(self.used(warehouse, 5000), (expected, Fraction(expected, 3600)))
                self.assertEqual(warehouse.resumes, resumes)

    def test_a_minute_at_least_at_each_resume(self):
        warehouse = self.warehouse(auto_suspend=5)
        warehouse.begin(100, 2)
        self.assertEqual(self.used(warehouse, 101), (60, Fraction(1, 60)))
        warehouse.begin(110, 2)  # the minute of the first statement is not over, and is billed all the same
        self.assertEqual(self.used(warehouse, 5000), (120, Fraction(2, 60)))
        self.assertEqual(warehouse.resumes, 2)

    def test_it_suspends_when_it_was_idle_for_long_enough(self):
        warehouse = self.warehouse(auto_suspend=120)
        warehouse.begin(100, 9)  # until 110, with the second to resume
        for now, is_started in ((229.9, True), (230, False)):
            warehouse.settle(now)
            self.assertEqual(warehouse.is_started(), is_started)
        warehouse.resume(1000)
        self.assertEqual(self.used(warehouse, 5000)[0], 130 + 120)

    def test_one_that_is_suspended_waits_for_what_runs(self):
        warehouse = self.warehouse()
        query = warehouse.begin(100, float("inf"))
        warehouse.suspend(200)
        self.assertEqual(self.used(warehouse, 300)[0], 200)
        warehouse.cancel(query, 400)
        self.assertEqual(self.used(warehouse, 5000)[0], 300)
        warehouse.begin(6000, 100)
        warehouse.suspend(6010)
        warehouse.begin(6020, 200)  # which keeps it running
        self.assertEqual(self.used(warehouse, 9000)[0], 300 + 220 + 60)

    def test_a_size_doubles_the_rate(self):
        for size, rate in (("X-Small", 1), ("Small", 2), ("Medium", 4), ("Large", 8), ("6X-Large", 512)):
            warehouse = self.warehouse(size=size)
            warehouse.begin(0, 3539)
            self.assertEqual(self.used(warehouse, 5000), (3600, rate))
        warehouse = self.warehouse(clusters=3)
        warehouse.begin(0, 3539)
        self.assertEqual(self.used(warehouse, 5000)[1], 3)

    def test_a_resize_adds_a_minute_of_what_it_adds(self):
        warehouse = self.warehouse(auto_suspend=None)
        warehouse.begin(0, 10)
        warehouse.resize("Small", 100)
        warehouse.resize("X-Small", 110)
        warehouse.suspend(130)
        # 110 s at 1, 60 s at the added 1, 20 s at 1
        self.assertEqual(self.used(warehouse, 5000)[1], Fraction(110 + 60 + 20, 3600))

    def test_one_that_never_suspends_is_billed_on(self):
        warehouse = self.warehouse(auto_suspend=None)
        warehouse.begin(0, 1)
        self.assertEqual(self.used(warehouse, 5 * HOUR), (5 * HOUR, 5))

    def test_hours_add_up_to_all_of_it(self):
        warehouse = self.warehouse()
        for hour in range(5):
            warehouse.begin(hour * HOUR + 3590, 100)
            warehouse.close_hour(hour * HOUR)
        self.assertEqual(self.used(warehouse, 9 * HOUR), (5 * 161, Fraction(5 * 161, 3600)))
        self.assertEqual(warehouse.hours[0], (10, Fraction(10, 3600)))
        self.assertEqual(warehouse.hours[HOUR], (161, Fraction(161, 3600)))
        self.assertEqual(warehouse.used(0, 2 * HOUR, 9 * HOUR)[0], 171)
        self.assertEqual(warehouse.used(HOUR, 2 * HOUR, 9 * HOUR)[0], 161)

    def test_the_minute_of_a_resume_goes_on_in_the_next_hour(self):
        warehouse = self.warehouse(auto_suspend=5)
        warehouse.begin(3590, 1)
        warehouse.close_hour(0)
        self.assertFalse(warehouse.is_started())
        warehouse.close_hour(HOUR)
        self.assertEqual([seconds for seconds, _ in warehouse.hours.values()], [10, 50])

    def test_statements_beyond_the_limit_wait(self):
        warehouse = self.warehouse()
        queries = [warehouse.begin(0, 10) for _ in range(17)]
        self.assertEqual([query.start for query in queries], [1] * 8 + [11] * 8 + [21])
        self.assertEqual(queries[-1].queued(0, 100), (1, 20))
        self.assertEqual(self.used(warehouse, 1000)[0], 31 + 60)

    def test_a_monitor_suspends_and_forbids_to_resume(self):
        for share, at_once in (("suspend", False), ("suspend_immediately", True)):
            with self.subTest(share):
                monitor = Monitor("M", Fraction(1, 10), "DAILY", **{share: 100})  # 360 s of X-Small
                warehouse = self.warehouse(monitor=monitor)
                monitor.warehouses = [warehouse]
                query = warehouse.begin(0, 1000)
                monitor.enforce(300)
                self.assertTrue(warehouse.is_started())
                monitor.enforce(400)
                self.assertEqual(query.end, 400 if at_once else 1001)
                self.assertEqual(warehouse.is_started(), not at_once)
                with self.assertRaises(Refusal):
                    warehouse.begin(500, 1)
                self.assertEqual(self.used(warehouse, 1500)[0], 400 if at_once else 1001)
                self.assertFalse(warehouse.is_started())
                with self.assertRaises(Refusal) as refused:
                    warehouse.begin(2000, 1)
                self.assertEqual(refused.exception.code, "090073")
                warehouse.begin(DAY, 1)  # the quota is per day
                self.assertEqual(warehouse.resumes, 2)

    def test_the_lower_share_of_a_quota_decides(self):
        monitor = Monitor("M", Fraction(1, 10), "DAILY", suspend=50, suspend_immediately=100)
        warehouse = self.warehouse(monitor=monitor)
        monitor.warehouses = [warehouse]
        query = warehouse.begin(0, 1000)
        monitor.enforce(200)
        self.assertEqual((query.end, self.used(warehouse, 5000)[0]), (1001, 1001))


class Histories(Served):
    """Random sequences of requests, after which all records agree with each other."""

    def test_the_books_agree(self):
        for seed in range(12):
            with self.subTest(seed):
                fake, client = self.serve()
                self.live(fake, client, random.Random(seed))
                self.check(fake.account, client.truth()["warehouses"])

    def test_statements_cost_no_more_than_the_hour_in_which_the_size_changed(self):
        account, hour = Account(NOW, is_alive=False), NOW // HOUR * HOUR + HOUR
        account.advance(hour)
        account.run(WAREHOUSE, 3000)
        account.advance(hour + 2900)
        account.warehouses[WAREHOUSE].resize("Medium", account.now)
        account.advance(hour + DAY)
        costs = account.usage.table("QUERY_ATTRIBUTION_HISTORY", account.now)
        hours = account.usage.table("WAREHOUSE_METERING_HISTORY", account.now)
        # 3061 s at 1 and 161 s at the 3 that were added
        self.assertAlmostEqual(float(hours[0]["CREDITS_USED_COMPUTE"]), (3061 + 3 * 161) / 3600)
        self.assertAlmostEqual(costs[0]["CREDITS_ATTRIBUTED_COMPUTE"], (3061 + 3 * 161) / 3600)

    def live(self, fake, client, dice):
        """Sends requests until all statements have ended and all events are visible."""
        handles, warehouse = [], fake.account.warehouses[WAREHOUSE]
        for _ in range(60):
            fake.clock.advance(dice.choice((0, 0.3, 1, 5, 44, 61, 300, 3600)))
            fake.account.advance(fake.clock.now())
            what = dice.choices(tuple(ACTS), tuple(ACTS.values()))[0]
            if what == "faults":
                client.make_faults({"fault": dice.choice(("running", "long", "timeout", "error")),
                                    "seconds": dice.choice((1, 50, 4000)), "polls": dice.choice((None, 0, 3)),
                                    "count": dice.choice((1, 3))})
            elif what == "resize":
                warehouse.resize(dice.choice(("X-Small", "Medium")), fake.clock.now())
            elif what == "suspend":
                warehouse.suspend(fake.clock.now())
            elif what == "ask" or not handles:
                reply = client.named(dice.choice(CYCLE), timeout=dice.choice((0, 1, 100, 5000)))
                handles.append(reply.json()["statementHandle"])
            else:
                target = f"/api/v2/statements/{dice.choice(handles)}"
                client.ask(*(("GET", target) if what == "poll" else ("POST", target + "/cancel")))
        client.make_faults()
        for handle in handles:
            client.ask("POST", f"/api/v2/statements/{handle}/cancel")
        fake.clock.advance(DAY)
        self.ran = handles

    def check(self, account, found):
        own, warehouse = found[WAREHOUSE], account.warehouses[WAREHOUSE]
        self.assertFalse(own["is_started"])
        self.assertGreaterEqual(own["billed_seconds"], 60 * own["resumes"])
        self.assertAlmostEqual(sum(own["credits_by_day"].values()), own["credits"])
        account.advance(account.now + DAY)
        hours = account.usage.table("WAREHOUSE_METERING_HISTORY", account.now)
        seen = sum(row["CREDITS_USED_COMPUTE"] for row in hours)
        self.assertAlmostEqual(float(seen), own["credits"], places=6)
        self.assertEqual(sum(seconds for seconds, _ in warehouse.hours.values()), own["billed_seconds"])
        for row in hours:
            self.assertLessEqual(row["CREDITS_ATTRIBUTED_COMPUTE_QUERIES"], row["CREDITS_USED_COMPUTE"])
        costs = account.usage.table("QUERY_ATTRIBUTION_HISTORY", account.now)
        self.assertLess(sum(row["CREDITS_ATTRIBUTED_COMPUTE"] for row in costs), own["credits"] + 1e-6)
        known = {row["QUERY_ID"] for row in account.usage.table("QUERY_HISTORY", account.now)}
        self.assertEqual(known, set(self.ran))


class Costs(Served):
    def test_show_costs_nothing_and_what_reads_a_view_wakes_the_warehouse_once(self):
        fake, client = self.serve()
        for _ in range(3):
            for kind in KINDS:
                self.assertEqual(client.post(f"SHOW {kind}").status, 200, kind)
        constants = client.post("SELECT 1, 'a', CURRENT_ACCOUNT()").json()
        self.assertEqual(constants["data"], [["1", "a", "FK12345"]])
        self.assertEqual(client.post("SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.NOTHING").status, 422)
        self.assertEqual(client.truth()["warehouses"][WAREHOUSE]["resumes"], 0)
        for name in CYCLE:
            self.assertEqual(client.named(name).status, 200)
        fake.clock.advance(HOUR)
        found = client.truth()
        shown = {f"SHOW {re.split(' IN | LIMIT', kind)[0]}": 3 for kind in KINDS}
        self.assertEqual(found["executions"], shown | {"SELECT": 2} | dict.fromkeys(CYCLE, 1))
        self.assertAlmostEqual(found["cloud_credits"], 28 * 0.00002)
        own = found["warehouses"][WAREHOUSE]
        self.assertEqual((own["resumes"], own["billed_seconds"]), (1, 63))
        self.assertAlmostEqual(own["credits"], 63 / 3600)
        self.assertEqual(list(own["credits_by_day"]), [str(int(NOW // DAY * DAY))])
        self.assertAlmostEqual(sum(own["credits_by_day"].values()), 63 / 3600)
        self.assertEqual({json.loads(tag)["statement"]: count for tag, count in found["tags"].items() if tag},
                         dict.fromkeys(CYCLE, 1))

    def test_a_day_of_cycles_in_credits(self):
        fake, client = self.serve()
        for _ in range(8):  # every three hours five statements at the same time
            for name in CYCLE:
                client.named(name)
            fake.clock.advance(3 * HOUR)
        own = client.truth()["warehouses"][WAREHOUSE]
        self.assertEqual((own["resumes"], own["billed_seconds"]), (8, 8 * 63))
        self.assertAlmostEqual(sum(own["credits_by_day"].values()), own["credits"])
        self.assertAlmostEqual(own["credits"], 8 * 63 / 3600)

    def test_the_quota_of_the_exporter_holds(self):
        fake, client = self.serve()
        fake.account.monitors["EXPORTER_BUDGET"].quota = Fraction(1, 20)  # 162 s until it suspends
        statuses = []
        for _ in range(4):
            statuses.append(client.named("storage").status)
            fake.clock.advance(10 * MINUTE)
        self.assertEqual(statuses, [200, 200, 200, 422])
        self.assert_refused(client.named("storage"), 422, "090073", "22000")
        self.assertEqual(client.post("SHOW WAREHOUSES").status, 200)
        fake.clock.advance(DAY)
        self.assertEqual(client.named("storage").status, 200)


if __name__ == "__main__":
    unittest.main()
