#include <string>

#include "common/base/text.h"
#include "exporters/snowflake/show.h"

namespace exporter::snowflake {
namespace {

constexpr auto kCount =
    gauge("snowflake_databases",
          "Databases visible to the role, 10000 at most. 0 may mean that it lacks privileges.",
          "account");
constexpr auto kInfo =
    info("snowflake_database_info",
         "Information about the database; `origin` is the share that it comes from.", "account",
         "database", "kind", "origin");
constexpr auto kRetention = gauge(
    "snowflake_database_retention_seconds",
    "Retention of changed and deleted data, which is billed (time travel).", "account", "database");
constexpr MetricView kMetrics[] = {kCount, kInfo, kRetention};

void add(Samples& samples, const std::string& account, const Row& row) {
  constexpr double kDay = 86'400;
  const auto name = row.need_text("name");
  const auto kind = to_lower(row.text("kind").value_or("")),
             origin = row.text("origin").value_or("");
  const auto days = row.number("retention_time");
  samples.add(kInfo, 1, account, name, kind, origin);
  if (days) samples.add(kRetention, *days * kDay, account, name);
}

void collect(Account& account, Samples& samples, const Deadline& deadline) {
  const auto seen = show(account, kShowDatabases, samples, deadline,
                         [&](const Row& row) { add(samples, account.name, row); });
  samples.add(kCount, static_cast<double>(seen), account.name);
}

}  // namespace

constinit const Module kDatabases{"databases",
                                  Module::Default::on,
                                  kMetrics,
                                  {},
                                  run<collect>,
                                  Every{std::chrono::minutes(15), std::chrono::hours(1)},
                                  std::chrono::minutes(1)};

}  // namespace exporter::snowflake
