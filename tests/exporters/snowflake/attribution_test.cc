#include "exporters/snowflake/attribution.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/time.h"
#include "tests/exporters/snowflake/usage_reader.h"
#include "tests/support/temporary_directory.h"

using namespace usage_test;
using std::chrono::hours;

namespace {

constexpr const char *kFirst = "01b2c3d4-0000-abcd-0000-000000000001",
                     *kSecond = "01b2c3d4-0000-abcd-0000-000000000002";

void write_results(const std::string& path, const std::string& id, std::chrono::sys_seconds at) {
  std::ofstream(path) << R"({"metadata": {"generated_at": ")" << format_rfc3339(at)
                      << R"("}, "results": [{"unique_id": "model.shop.a", "adapter_response": )"
                      << R"({"query_id": ")" << id << R"("}}]})";
}

/// The collector, on an account with these keys.
class Attributing {
 public:
  Attributing(const std::string& keys, const std::string& state)
      : account_(account_of(server.url(), "warehouse: W, credits_per_day: 0, cycle: 15m" + keys,
                            std::make_shared<Ledgers>(state))),
        collect_(kAttribution.make(account_)) {
    account_->clock = [] { return now; };
    account_->warehouse->spending().set_clock([] { return now; });
    server.set_rows("SHOW WAREHOUSES\"", "name,size,type,state,auto_suspend",
                    R"(["W","X-Small","STANDARD","SUSPENDED","60"])");
    server.set_rows("WITH STATEMENTS AS",
                    "L_WAREHOUSE,L_TOOL,L_PACKAGE,L_TARGET,L_DAG_ID,L_UNIQUE_ID,B,V_STATEMENTS,"
                    "V_CREDITS,V_NODE_CREDITS,NEWEST",
                    "");
  }

  AccountServer server;

  void collect() { page_of(collect_); }

 private:
  std::shared_ptr<Account> account_;
  CollectFunction collect_;
};

}  // namespace

TEST_CASE("dbt's results are asked for as long as the window reaches, over a restart too") {
  const TemporaryDirectory directory;
  const auto path = (directory.path() / "run_results.json").string(),
             state = (directory.path() / "state").string();
  std::filesystem::create_directory(state);
  const auto keys = ", dbt_results: ['" + directory.path().string() + "/*.json']";
  now = tomorrow() + hours(6);
  {
    Attributing attributing(keys, state);
    attributing.collect();
    CHECK(attributing.server.count("FROM OWNED\\nGROUP") == 1);
    write_results(path, kFirst, now);
    attributing.collect();  // not due yet
    write_results(path, kSecond, now + hours(8));
  }
  now += hours(6);
  Attributing attributing(keys, state);
  attributing.collect();
  CHECK(attributing.server.count("('" + std::string(kFirst) + "', 'model.shop.a', ''), ('" +
                                 kSecond + "', 'model.shop.a', '')") == 1);
  now += hours(24);
  attributing.collect();
  now += hours(24);
  attributing.collect();
  CHECK(attributing.server.count(kFirst) == 2);
  CHECK(attributing.server.count(kSecond) == 3);
}

TEST_CASE("without the key nothing is asked of dbt's results") {
  now = tomorrow() + hours(6);
  Attributing attributing("", "");
  attributing.collect();
  CHECK(attributing.server.count("FROM OWNED\\nGROUP") == 1);
  CHECK(attributing.server.count("{owners}") == 0);
  CHECK(attributing.server.count("FROM VALUES") == 0);
}
