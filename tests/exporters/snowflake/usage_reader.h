#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "exporters/snowflake/usage.h"
#include "tests/exporters/snowflake/account_server.h"

/// Shared by the tests of Usage: a group, and a reader of it at a time that tests set.
namespace usage_test {

using namespace exporter;
using namespace exporter::snowflake;

inline std::chrono::sys_seconds now;

/// A ledger counts from its creation, which is today.
inline std::chrono::sys_seconds tomorrow() {
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
  return today + std::chrono::days(1);
}

inline std::string at(std::chrono::sys_seconds time) {
  return std::to_string(time.time_since_epoch().count());
}

/// A group of an account whose warehouse costs a credit per hour.
class Reader {
 public:
  explicit Reader(const Group& group, const std::string& entry = "",
                  const std::string& directory = "")
      : account_(account_of(
            server.url(),
            "warehouse: W, cycle: 15m" + (entry.empty() ? ", credits_per_day: 0" : entry),
            std::make_shared<Ledgers>(directory))),
        usage_(*(set_clock(), account_), group) {
    set_warehouse("60");
  }

  AccountServer server;

  void set_warehouse(const std::string& auto_suspend) {
    server.set_rows("SHOW WAREHOUSES\"", "name,size,type,state,auto_suspend",
                    R"(["W","X-Small","STANDARD","SUSPENDED",")" + auto_suspend + R"("])");
  }

  /// The value of a series on the page; -1 if it does not exist.
  double value(const std::string& series) {
    Samples samples;
    usage_.collect(samples, Deadline::in(std::chrono::minutes(5)));
    account_->read_times.add_to(samples, account_->name);
    failure = samples.failure() ? samples.failure()->what() : "";
    waits_until = samples.failure() ? samples.failure()->not_before() : std::nullopt;
    std::string page;
    samples.render(Format::text, page);
    const auto found = page.find('\n' + series + ' ');
    return found == std::string::npos ? -1 : std::stod(page.substr(found + series.size() + 2));
  }

  std::string failure;
  std::optional<Clock::time_point> waits_until;

 private:
  void set_clock() {
    account_->clock = [] { return now; };
    account_->warehouse->spending().set_clock([] { return now; });
  }

  std::shared_ptr<Account> account_;
  Usage usage_;
};

inline constexpr auto kThings =
    counter("snowflake_test_things_total", "Things.", "account", "kind", "part");
inline constexpr auto kTime =
    histogram("snowflake_test_seconds", "Time of things.", "account", "kind");

inline constexpr std::string_view kLabels[] = {"L_KIND"};
inline constexpr Value kValues[] = {{"V_A", kThings, 1, "a"}, {"V_B_MS", kThings, 0.001, "b"}};
inline constexpr double kBounds[] = {1, 10};
inline constexpr std::string_view kBoundColumns[] = {"LE_1", "LE_10"};
inline constexpr Buckets kHistograms[] = {{kTime, kBounds, kBoundColumns, "V_A", "V_B_MS", 0.001}};
inline constexpr UsageStatement kThingsStatement[] = {
    {.name = "things",
     .text = "SELECT THINGS {lo} {hi} '{lo_date}' '{hi_date}'",
     .labels = kLabels,
     .bucket = std::chrono::hours(1),
     .horizon = std::chrono::hours(6),
     .counters = kValues,
     .histograms = kHistograms},
};
inline constexpr Group kGroup{"things", std::chrono::hours(1), kThingsStatement, "USAGE_VIEWER"};

inline constexpr const char* kA =
    R"(snowflake_test_things_total{account="prod",kind="x",part="a"})";
inline constexpr const char* kColumns = "L_KIND,B,V_A,V_B_MS,LE_1,LE_10,NEWEST";

/// A row of kGroup.
inline std::string row(std::chrono::sys_seconds bucket, const std::string& kind, int count) {
  const auto n = std::to_string(count);
  return R"([")" + kind + R"(",")" + at(bucket) + R"(",")" + n + R"(",")" + n + R"(000","0",")" +
         n + R"(",")" + at(bucket + std::chrono::minutes(10)) + R"("])";
}

}  // namespace usage_test
