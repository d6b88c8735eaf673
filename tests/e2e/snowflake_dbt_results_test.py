"""The collector `attribution` with a dbt whose statements have neither comments nor tags: they are
attributed to nodes by the query ids in a file of each run, which the next run overwrites."""

import collections
import datetime
import json
import time
import unittest

import support
from snowflake_client import DAY, HOUR, MINUTE
from snowflake_fake.account import Account
from snowflake_time import Clock, Driver, Lively, one_user, write_config

DAYS, STEP = 3, 30 * MINUTE
SETTLED = 20 * HOUR  # until all is visible and read
NODES = ("model.shop.orders", "model.shop.sessions", "test.shop.unique_orders_id.a1b2")
ATTRIBUTED, OF_NODES = "snowflake_attributed_credits_total", "snowflake_dbt_node_credits_total"


class Results(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(support.folder())
        # A ledger counts from its creation, by this machine's clock.
        self.start = (time.time() // DAY + 10) * DAY + 5 * MINUTE
        self.clock = Clock(self.folder / "clock", self.start)
        self.account = Account(self.start - DAY, past=DAY, is_alive=False)
        self.fake = self.enterContext(Lively(self.account, self.clock, one_user()))
        config = write_config(self.folder / "snowflake.yml", self.fake, credits_per_day=0,
                              dbt_results="[target/run_*.json]")
        (self.folder / "target").mkdir()
        self.arguments = (config, self.folder / "state", self.folder / "clock", "attribution")
        self.driver = Driver(*self.arguments)
        self.addCleanup(lambda: self.driver.end())
        self.nodes = {}  # nodes by query id

    def build(self):
        """Runs two statements for each node, and writes results that name the second one."""
        results = []
        for number, node in enumerate(NODES):
            self.account.run("TRANSFORM_WH", 10)
            _, query_id = self.account.run("TRANSFORM_WH", 20 + number)
            self.nodes[query_id] = node
            results.append({"unique_id": node, "adapter_response": {"query_id": query_id}})
        ended = datetime.datetime.fromtimestamp(self.clock.now() + 5 * MINUTE, datetime.timezone.utc)
        (self.folder / "target/run_results.json").write_text(json.dumps({
            "metadata": {"generated_at": ended.isoformat()}, "results": results, "args": {"target": "prod"}}))

    def collect(self):
        with self.fake.lock:
            self.account.advance(self.clock.now())
        page, failures = self.driver.collect()
        self.assertEqual(failures, [])
        return page

    def happened(self):
        """The credits by tool and by node, after all corrections."""
        credits = collections.Counter()
        for row in self.account.usage.rows["QUERY_ATTRIBUTION_HISTORY"]:
            values = row.versions[-1][1]
            node = self.nodes.get(values["QUERY_ID"], "")
            if values["WAREHOUSE_NAME"] == "TRANSFORM_WH":
                credits["dbt" if node else "none"] += values["CREDITS_ATTRIBUTED_COMPUTE"]
                credits[node] += values["CREDITS_ATTRIBUTED_COMPUTE"]
        return credits

    def test_nodes_are_those_of_the_results(self):
        for step in range(DAYS * DAY // STEP):
            if step % 2 == 0:
                with self.fake.lock:
                    self.account.advance(self.clock.now())
                    self.build()
            self.collect()
            if step % 5 == 3:
                self.driver.end()
                self.driver = Driver(*self.arguments)
            self.clock.reach(self.start + (step + 1) * STEP)
        for _ in range(SETTLED // HOUR):
            self.clock.advance(HOUR)
            page = self.collect()
        shown, expected = support.samples(page), self.happened()
        for tool, labels in (("dbt", 'package="shop",target="prod"'), ("none", 'package="",target=""')):
            name = f'{ATTRIBUTED}{{account="demo",warehouse="TRANSFORM_WH",tool="{tool}",{labels},dag_id=""}}'
            self.assertAlmostEqual(float(shown[name]), expected[tool], places=6)
        of_nodes = {name: float(shown[f'{OF_NODES}{{account="demo",warehouse="TRANSFORM_WH",target="prod",'
                                      f'unique_id="{name}"}}']) for name in (*NODES, "other")}
        self.assertAlmostEqual(sum(of_nodes.values()), expected["dbt"], places=6)
        self.assertLess(of_nodes["other"], 0.2 * expected["dbt"])  # from before they were first seen
        for name in NODES:
            self.assertLess(of_nodes[name], expected[name])
            self.assertGreater(of_nodes[name], 0.8 * expected[name])


if __name__ == "__main__":
    unittest.main()
