#include <catch2/catch.hpp>

#include "tests/exporters/sql/quality_fixture.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;
using Catch::Contains;

namespace {

std::string watching(const Shop& replica, const std::string& entry) {
  return "  - {name: replica, odbc: \"" + replica.odbc() + "\"}\nreplication:\n  - {" + entry +
         "}\n";
}

const std::string kEntry = "primary: shop, replica: replica, table: orders, time: at, max_lag: 2h";

/// A primary and its replica, with the same rows.
struct Databases {
  Shop primary, replica;

  Databases() {
    for (auto* shop : {&primary, &replica}) {
      shop->execute("CREATE TABLE orders (at TEXT); CREATE TABLE beats (ts TEXT)");
    }
  }
  void add_to_both(const std::string& row) {
    for (auto* shop : {&primary, &replica}) shop->execute("INSERT INTO " + row);
  }
  Collector collector(const std::string& entry = kEntry) {
    return Shop::collector(primary.source(watching(replica, entry)), "replication");
  }
  RunOf run(const std::string& entry = kEntry) {
    return run_of(collector(entry), "sql_replication_");
  }
};

const std::string kLabels = "{replica=\"replica\",table=\"orders\"}";

double lag(const RunOf& run) { return std::stod(run["lag_seconds" + kLabels]); }

/// A time that many seconds ago, as SQL.
std::string ago(int seconds) {
  return "datetime('now', '-" + std::to_string(seconds) + " seconds')";
}

}  // namespace

TEST_CASE("a replica that has all rows has no lag, however old they are") {
  Databases databases;
  databases.add_to_both("orders VALUES ('2026-01-02 03:04:05.678')");
  const auto run = databases.run();
  CHECK(run.failure.empty());
  CHECK(run["lag_seconds" + kLabels] == "0");
  CHECK(run["check_success" + kLabels] == "1");
  CHECK(run["max_lag_seconds{replica=\"replica\",table=\"orders\",owner=\"\",severity="
            "\"warning\"}"] == "7200");
}

TEST_CASE("the lag is the age of the oldest row that the replica lacks") {
  Databases databases;
  databases.add_to_both("orders VALUES (" + ago(9000) + ")");
  databases.primary.execute("INSERT INTO orders VALUES (" + ago(600) + "), (" + ago(5) + ")");
  const auto found = lag(databases.run());
  CHECK(found >= 599);
  CHECK(found < 660);
}

TEST_CASE("a replica without any row lacks all of them, and two empty tables none") {
  Databases databases;
  CHECK(databases.run()["lag_seconds" + kLabels] == "0");
  databases.primary.execute("INSERT INTO orders VALUES (" + ago(600) + ")");
  CHECK(lag(databases.run()) >= 599);
}

TEST_CASE("a row of the future hides no lag") {
  Databases databases;
  databases.add_to_both("orders VALUES ('2099-01-01 00:00:00')");
  databases.primary.execute("INSERT INTO orders VALUES (" + ago(600) + ")");
  CHECK(lag(databases.run()) >= 599);
  Databases others;
  others.primary.execute("INSERT INTO orders VALUES ('2099-01-01 00:00:00')");
  CHECK(others.run()["lag_seconds" + kLabels] == "0");
}

TEST_CASE("a time is compared with all digits that the database has") {
  Databases databases;
  databases.add_to_both("orders VALUES ('2026-01-02 03:04:05.123456789')");
  CHECK(databases.run()["lag_seconds" + kLabels] == "0");
}

TEST_CASE("a lag that cannot be measured is not known") {
  Databases databases;
  databases.add_to_both("orders VALUES (" + ago(10) + ")");
  const auto collector = databases.collector(kEntry + ", every: 1s");
  CHECK(run_of(collector, "sql_replication_")["lag_seconds" + kLabels] == "0");
  databases.replica.execute("DROP TABLE orders");
  auto run = run_of(collector, "sql_replication_");
  while (run.failure.empty()) run = run_of(collector, "sql_replication_");  // until it is due
  CHECK_THAT(run.failure, Contains("replica: ") && Contains("orders"));
  CHECK(run["lag_seconds" + kLabels] == "absent");
  CHECK(run["check_success" + kLabels] == "0");
}

TEST_CASE("a row whose time is none costs the lag only of a replica without any row") {
  Databases databases;
  databases.primary.execute("INSERT INTO orders VALUES ('-infinity'), (NULL), ('infinity')");
  databases.add_to_both("beats VALUES ('2026-01-02 03:04:05')");
  const auto entry = kEntry + ", heartbeat: {table: beats, time: ts}";
  const auto run = databases.run(entry);
  CHECK_THAT(run.failure, Contains("replica replica: expected a time, found '-infinity'"));
  CHECK(run["lag_seconds" + kLabels] == "absent");
  CHECK(run["heartbeat_lag_seconds{replica=\"replica\",table=\"beats\"}"] == "0");

  databases.replica.execute("INSERT INTO orders VALUES ('-infinity')");
  CHECK(databases.run(entry)["lag_seconds" + kLabels] == "0");
  databases.primary.execute("INSERT INTO orders VALUES (" + ago(600) + ")");
  CHECK(lag(databases.run(entry)) >= 599);
  CHECK(databases.run(entry).failure.empty());
}

TEST_CASE("heartbeats are compared, and the primary's is shown") {
  Databases databases;
  databases.replica.execute("INSERT INTO beats VALUES ('2026-01-02 03:04:05')");
  databases.primary.execute("INSERT INTO beats VALUES ('2026-01-02 03:04:35')");
  const auto entry = kEntry + ", heartbeat: {table: beats, time: ts}";
  const auto run = databases.run(entry);
  const std::string labels = "{replica=\"replica\",table=\"beats\"}";
  CHECK(run["heartbeat_lag_seconds" + labels] == "30");
  CHECK(run["heartbeat_timestamp_seconds" + labels] == "1767323075");

  databases.replica.execute("DELETE FROM beats");
  const auto later = databases.run(entry);
  CHECK_THAT(later.failure, Contains("beats has no heartbeat"));
  CHECK(later["heartbeat_lag_seconds" + labels] == "absent");
  CHECK(later["lag_seconds" + kLabels] == "0");
}

TEST_CASE("a mistake in a replication is said") {
  Shop shop, replica;
  const auto error = [&](const std::string& entry) {
    return error_of(Reason::config, [&] { shop.source(watching(replica, entry)); });
  };
  CHECK_THAT(error("primary: x, replica: replica"),
             Contains("primary: there is no source of this name"));
  CHECK_THAT(error("primary: shop, replica: x, table: a, time: b"),
             Contains("replica: there is no source of this name"));
  CHECK_THAT(error("primary: shop, replica: shop"), Contains("the same source as the primary"));
  CHECK_THAT(error("primary: shop, replica: replica, table: a, time: b"), Contains("max_lag"));
  CHECK_THAT(error(kEntry + ", every: 10ms"), Contains("at least 1s"));
  CHECK_THAT(error(kEntry + "}\n  - {" + kEntry), Contains("duplicate table of this replica"));
  CHECK(error(kEntry) == "no error");
}
