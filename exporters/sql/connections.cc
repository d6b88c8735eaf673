#include <string_view>
#include <vector>

#include "common/base/text.h"
#include "exporters/sql/source.h"

namespace exporter::sql {
namespace {

constexpr auto kSource = info("sql_source_info",
                              "The labels of the source in the configuration (`labels`), to be "
                              "joined on `source`; absent if it has none.",
                              "source");
constexpr auto kServer =
    info("sql_server_info", "The server's own name and version, as of the last login.", "source",
         "server");
constexpr auto kUnset = gauge("sql_session_settings_missing",
                              "Number of session settings, such as read-only or a time limit, that "
                              "are not in effect; the log names them.",
                              "source");
constexpr auto kQueries = counter("sql_queries_total", "Queries run.", "source");
constexpr auto kFailures = counter("sql_query_failures_total", "Queries that failed.", "source");
constexpr auto kRows = counter("sql_query_rows_total", "Rows returned by queries.", "source");
constexpr auto kSeconds = counter("sql_query_seconds_total",
                                  "Time that queries took, in seconds, logins included.", "source");
constexpr auto kLogins = counter("sql_logins_total", "Connections opened.", "source");
constexpr auto kCut = counter("sql_connections_cut_total",
                              "Connections dropped because a query did not end in time.", "source");
constexpr auto kStuck = counter("sql_connections_stuck_total",
                                "Connections abandoned because a call to the driver did not "
                                "return; their memory is not freed until the exporter restarts.",
                                "source");
constexpr auto kIdle =
    gauge("sql_idle_connections", "Idle connections kept for later queries.", "source");
constexpr MetricView kMetrics[] = {kSource,  kServer, kUnset, kQueries, kFailures, kRows,
                                   kSeconds, kLogins, kCut,   kStuck,   kIdle};

void add_labels(Samples& samples, const Source& source) {
  if (source.labels.empty()) return;
  std::vector<std::string_view> names{"source"}, values{source.name};
  for (const auto& [name, value] : source.labels) {
    names.push_back(name);
    values.push_back(value);
  }
  samples.add({MetricType::info, kSource.name, kSource.help, names}, 1, values);
}

void collect(Source& source, Samples& samples, const Deadline&) {
  const auto figures = source.database.figures();
  const auto& name = source.name;
  add_labels(samples, source);
  if (!figures.server.empty()) {
    samples.add(kServer, 1, name, figures.server);
    samples.add(kUnset, double(figures.unset.size()), name);
    if (!figures.unset.empty()) samples.set_note("session without " + joined(figures.unset));
  }
  samples.add(kQueries, double(figures.queries), name);
  samples.add(kFailures, double(figures.failures), name);
  samples.add(kRows, double(figures.rows), name);
  samples.add(kSeconds, figures.seconds, name);
  samples.add(kLogins, double(figures.logins), name);
  samples.add(kCut, double(figures.cut), name);
  samples.add(kStuck, double(figures.stuck), name);
  samples.add(kIdle, double(figures.idle), name);
}

}  // namespace

constinit const Module kConnections{.name = "connections",
                                    .enabled = Module::Default::on,
                                    .metrics = kMetrics,
                                    .flags = {},
                                    .make = run<collect>,
                                    .schedule = OnScrape{.waits_for_nothing = true},
                                    .says_up = false};

}  // namespace exporter::sql
