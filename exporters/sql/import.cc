#include "exporters/sql/import.h"

#include "common/base/error.h"
#include "common/base/time.h"
#include "exporters/sql/import_collectors.h"
#include "exporters/sql/import_plan.h"
#include "exporters/sql/import_yaml.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxText = 8 << 20;

struct Format {
  std::string_view name;
  void (*read)(const Yaml& file, ImportPlan& plan);
};

/// Whether the first job has this key.
bool has_in_job(const Yaml& jobs, std::string_view key) {
  if (!jobs.is_sequence() || jobs.is_empty()) return false;
  const auto job = jobs.items().front();
  return job.is_map() && job.optional(key);
}

Format format_of(const Yaml& file) {
  constexpr Format kBurningalchemist{"burningalchemist/sql_exporter", import_burningalchemist};
  constexpr Format kJustwatch{"justwatchcom/sql_exporter", import_justwatch};
  constexpr Format kQueryExporter{"albertodonato/query-exporter", import_query_exporter};
  if (file.optional("databases")) return kQueryExporter;
  for (const auto* key : {"global", "target", "collectors", "collector_files"}) {
    if (file.optional(key)) return kBurningalchemist;
  }
  if (const auto jobs = file.optional("jobs")) {
    return has_in_job(*jobs, "static_configs") || has_in_job(*jobs, "job_name") ? kBurningalchemist
                                                                                : kJustwatch;
  }
  if (file.optional("apiVersion")) {
    file.fail("a Kubernetes object: import the configuration that it contains as text");
  }
  if (file.optional("collector_name")) {
    file.fail("a file of one collector: import the one whose collector_files name it");
  }
  file.fail(
      "not a configuration of burningalchemist/sql_exporter, free/sql_exporter, "
      "justwatchcom/sql_exporter (jobs, target, collectors) or albertodonato/query-exporter "
      "(databases)");
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : ", ") + as_yaml(text);
  return "[" + list + "]";
}

template <class Map>
std::string map_of(const Map& pairs, std::string (*write)(std::string_view)) {
  std::string map;
  for (const auto& [key, value] : pairs) {
    map += (map.empty() ? "" : ", ") + as_yaml(key) + ": " + write(value);
  }
  return "{" + map + "}";
}

std::string write_source(const ImportedSource& source) {
  auto text =
      "  - name: " + as_yaml(source.name) + "\n    odbc: " + as_yaml(source.dsn.odbc) + "\n";
  if (!source.dsn.password_variable.empty()) {
    text += "    password_env: " + as_yaml(source.dsn.password_variable) + "\n";
  } else if (source.dsn.has_password) {
    text += "    password_file: /etc/sql_exporter/" + source.name + ".password\n";
  }
  if (source.connections != 3) {
    text += "    connections: " + std::to_string(source.connections) + "\n";
  }
  return text;
}

std::string write_metric(const PlannedMetric& metric) {
  auto text = "      - name: " + as_yaml(metric.name) + "\n        type: " + metric.type +
              "\n        help: " + as_yaml(metric.help) +
              "\n        value: " + as_yaml(metric.value) + "\n";
  if (!metric.states.empty()) text += "        states: " + list_of(metric.states) + "\n";
  if (!metric.labels.empty()) text += "        labels: " + list_of(metric.labels) + "\n";
  if (!metric.fixed_labels.empty()) {
    text += "        static_labels: " + map_of(metric.fixed_labels, as_yaml) + "\n";
  }
  return text;
}

std::string write_collector(const PlannedCollector& collector, std::size_t sources) {
  constexpr auto kAsIs = [](std::string_view value) { return std::string(value); };
  const bool is_for_all = collector.sources.size() == sources;
  auto text = "  " + as_yaml(collector.name) + ":\n";
  if (!is_for_all) text += "    sources: " + list_of(collector.sources) + "\n";
  text += collector.every ? "    every: " + format_duration(*collector.every) + "\n"
                          : "    on_scrape: true\n";
  text += "    timeout: " + format_duration(collector.timeout) +
          "\n    query: " + as_yaml_block(collector.query, 4) + "\n";
  if (!collector.parameters.empty()) {
    text += "    parameters: " + map_of(collector.parameters, +kAsIs) + "\n";
  }
  text += "    metrics:\n";
  for (const auto& metric : collector.metrics) text += write_metric(metric);
  return text;
}

/// The plan as our configuration, with its notes as comments at the top.
std::string write_plan(ImportPlan& plan, std::string_view origin) {
  const auto collectors = plan_collectors(plan);
  auto text = "# Converted from a configuration of " + std::string(origin) +
              ".\n# Check it with --config.check, and its queries with --explain COLLECTOR.\n";
  if (!plan.notes.empty()) text += "#\n# What differs, and what to do:\n";
  for (const auto& note : plan.notes) text += as_comment(note);
  text += "sources:\n";
  for (const auto& source : plan.sources) text += write_source(source);
  if (!collectors.empty()) text += "collectors:\n";
  for (const auto& collector : collectors) {
    text += write_collector(collector, plan.sources.size());
    if (text.size() > kMaxText) throw Error(Reason::config, "it would be longer than 8 MiB");
  }
  return text;
}

}  // namespace

std::string import_config(const std::string& path) {
  const auto file = load_imported(path);
  const auto format = format_of(file);
  ImportPlan plan;
  format.read(file, plan);
  if (plan.sources.empty()) file.fail("it has no database");
  return write_plan(plan, format.name);
}

}  // namespace exporter::sql
