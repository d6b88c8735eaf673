#include "exporters/sql/described.h"

#include <algorithm>
#include <array>

#include "common/base/time.h"
#include "exporters/sql/business/groups.h"
#include "exporters/sql/quality.h"
#include "exporters/sql/quality_page.h"
#include "exporters/sql/reconcile.h"
#include "exporters/sql/replication.h"

namespace exporter::sql {
namespace {

constexpr std::chrono::minutes kReachableEvery{1};
constexpr std::string_view kReachable = "SELECT 1 AS one";

Described describe_configured(const std::shared_ptr<Source>& source,
                              const std::shared_ptr<const CollectorConfig>& config) {
  std::vector<MetricView> metrics;
  for (const auto& metric : config->metrics) metrics.push_back(metric->view());
  Collector collector{
      .name = config->name,
      .schedule = config->schedule,
      .timeout = config->timeout,
      .metrics = std::move(metrics),
      .collect = config->events ? make_events(source, config) : make_query(source, config),
      .at_once = source->connections};
  return {std::move(collector),
          [source, config] { return std::vector{planned_query(*source, *config)}; }};
}

/// Checks that the source is reachable, which nothing else would.
Described describe_reachable(const std::shared_ptr<Source>& source) {
  Collector collector{
      .name = "reachable",
      .schedule = Every{kReachableEvery, kReachableEvery},
      .collect =
          [source](Samples&, const Deadline& deadline) {
            source->database.query({kReachable, source->database.dialect()}, {}, {}, deadline);
          },
      .at_once = source->connections};
  return {std::move(collector), [source] {
            return std::vector{planned(source->name, source->database, std::string(kReachable))};
          }};
}

/// "; :since is ...": how a statement differs between runs.
std::string note_of(const EventsConfig& events) {
  return ":since is " + format_duration(events.overlap) + " before the newest event, and every " +
         format_duration(events.full_interval) + " " + format_duration(events.late) + " before it";
}

std::vector<MetricView> list(std::span<const MetricView> metrics) {
  return {metrics.begin(), metrics.end()};
}

}  // namespace

Planned planned(const std::string& source, Database& database, const std::string& statement,
                const Parameters& parameters, std::string note) {
  return {source, &database, Statement(statement, database.dialect()).text(parameters),
          std::move(note)};
}

Planned planned_query(Source& source, const CollectorConfig& config) {
  auto parameters = config.parameters;
  const Time now = std::chrono::floor<std::chrono::seconds>(source.clock());
  parameters["now"] = now;
  std::string note;
  if (config.events) {
    parameters["since"] = now - config.events->late;
    parameters["until"] = now;
    note = note_of(*config.events);
  }
  return {source.name, &source.database, config.statement.text(parameters), std::move(note)};
}

std::vector<Described> describe_all(const std::shared_ptr<Source>& source) {
  auto all = business::describe_business(source);
  for (const auto& config : source->collectors) all.push_back(describe_configured(source, config));
  if (source->quality) all.push_back(describe_quality(source));
  if (!source->reconciliations.empty()) all.push_back(describe_reconcile(source));
  if (!source->replication.empty()) all.push_back(describe_replication(source));
  const auto says_up = [](const Described& described) { return described.collector.says_up; };
  if (std::ranges::none_of(all, says_up)) all.push_back(describe_reachable(source));
  return all;
}

std::vector<App::Described> built_in_collectors() {
  std::vector<App::Described> all{{"quality", "quality", list(quality_metrics())},
                                  {"reconcile", "reconcile", list(reconcile_metrics())},
                                  {"replication", "replication", replication_metrics()}};
  for (const auto* group : business::groups()) {
    all.push_back({group->name, "business", list(group->metrics)});
  }
  return all;
}

bool is_reserved(std::string_view name) {
  constexpr std::array<std::string_view, 6> kMore{
      "business", "business_orders", "business_refunds", "connections", "ledger", "reachable"};
  const auto built_in = built_in_collectors();
  return std::ranges::find(kMore, name) != kMore.end() ||
         std::ranges::find(built_in, name, &App::Described::name) != built_in.end();
}

}  // namespace exporter::sql
