#include "exporters/sql/reconcile_config.h"

#include <algorithm>
#include <chrono>

namespace exporter::sql {
namespace {

constexpr int kMaxDays = 60;

ReconciledTable read_side(const Yaml& side, Dialect dialect) {
  return {read_sql(side.required("table"), dialect), read_sql(side.required("time"), dialect)};
}

/// Today may still change, so it is not compared.
void read_days(const Yaml& entry, ReconcileConfig& config) {
  const auto days = entry.optional("days");
  if (!days) return;
  config.zone = read_zone(*days);
  if (const auto from = days->optional("from")) config.from = int(from->integer());
  if (const auto to = days->optional("to")) config.to = int(to->integer());
  if (config.from < 1 || config.to < config.from || config.to > kMaxDays) {
    days->fail("expected 1 <= from <= to <= 60, in days before today");
  }
}

/// The same SQL is for both sides.
void read_measures(const Yaml& entry, Dialect left, ReconcileConfig& config) {
  const auto map = entry.optional("measures");
  if (!map) {
    config.measures = {{"rows", "COUNT(*)", 0}};
    return;
  }
  for (const auto& [name, limit] : map->entries()) {
    check_sql(limit, name, left);
    check_sql(limit, name, config.right_database->dialect());
    const auto difference = limit.number();
    if (difference < 0) limit.fail("expected a difference of at least 0");
    config.measures.push_back({name, name == "rows" ? "COUNT(*)" : name, difference});
  }
  if (config.measures.empty()) map->fail("expected at least one measure, such as rows: 0");
}

ReconcileConfig read_one(const std::string& name, const Yaml& entry, Dialect dialect,
                         const OpenDatabase& open) {
  const auto left = entry.required("left"), right = entry.required("right");
  ReconcileConfig config;
  config.name = name;
  config.right_source = right.required("source").string();
  config.right_database = open(right.required("source"));
  config.left = read_side(left, dialect);
  config.right = read_side(right, config.right_database->dialect());
  const auto dataset = entry.optional("dataset");
  config.dataset = dataset ? dataset->string() : dataset_of(config.left.name);
  read_days(entry, config);
  config.every = read_duration(entry, "every", std::chrono::days(1));
  config.timeout = read_duration(entry, "timeout", std::chrono::minutes(5));
  if (config.every < std::chrono::minutes(1)) {
    entry.required("every").fail("expected a duration of at least 1m");
  }
  if (config.timeout < std::chrono::seconds(1)) {
    entry.required("timeout").fail("expected a duration of at least 1s");
  }
  read_measures(entry, dialect, config);
  config.concern = read_concern(entry);
  return config;
}

}  // namespace

std::vector<ReconcileConfig> read_reconciliations(const Yaml& file, const std::string& source,
                                                  const std::vector<std::string>& sources,
                                                  Dialect dialect, const OpenDatabase& open) {
  std::vector<ReconcileConfig> all;
  const auto map = file.optional("reconcile");
  if (!map) return all;
  for (const auto& [name, entry] : map->entries()) {
    const auto left = entry.required("left").required("source");
    if (std::ranges::find(sources, left.string()) == sources.end()) {
      left.fail("there is no source of this name");
    }
    if (left.string() == source) all.push_back(read_one(name, entry, dialect, open));
  }
  return all;
}

}  // namespace exporter::sql
