#include <string>

#include "exporters/snowflake/show.h"

namespace exporter::snowflake {
namespace {

constexpr auto kCount = gauge(
    "snowflake_pipes",
    "Pipes visible to the role, 10000 at most. 0 may mean that it lacks privileges.", "account");
constexpr auto kInvalid = gauge("snowflake_pipe_invalid",
                                "1 for a pipe that does not work because its source or target is "
                                "gone or a privilege is missing; SHOW PIPES says why.",
                                "account", "database", "schema", "pipe");
constexpr MetricView kMetrics[] = {kCount, kInvalid};

void collect(Account& account, Samples& samples, const Deadline& deadline) {
  const auto seen = show(account, kShowPipes, samples, deadline, [&](const Row& row) {
    const auto database = row.need_text("database_name"), schema = row.need_text("schema_name"),
               pipe = row.need_text("name");
    if (row.text("invalid_reason")) {
      samples.add(kInvalid, 1, account.name, database, schema, pipe);
    }
  });
  samples.add(kCount, static_cast<double>(seen), account.name);
}

}  // namespace

constinit const Module kPipes{"pipes",
                              Module::Default::on,
                              kMetrics,
                              {},
                              run<collect>,
                              Every{std::chrono::minutes(5), std::chrono::minutes(15)},
                              std::chrono::minutes(1)};

}  // namespace exporter::snowflake
