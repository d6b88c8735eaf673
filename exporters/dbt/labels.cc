#include "exporters/dbt/labels.h"

#include <algorithm>

#include "common/metric/metric.h"

namespace exporter::dbt {
namespace {

constexpr std::size_t kMost = 8, kMostBytes = 500;

/// Those of the families that have the others, and what Prometheus keeps for itself.
constexpr std::string_view kReserved[] = {"project",  "unique_id", "job",
                                          "instance", "le",        "quantile"};

/// The entries of a map of labels, whose names can be labels.
std::vector<std::pair<std::string, Yaml>> read_names(const Yaml& map) {
  auto entries = map.entries();
  if (entries.size() > kMost) map.fail("more than " + std::to_string(kMost) + " labels");
  for (const auto& [name, value] : entries) {
    const bool is_reserved =
        name.starts_with("__") || std::ranges::find(kReserved, name) != std::end(kReserved);
    if (is_reserved || !valid_label_name(name)) value.fail("expected the name of a label");
  }
  return entries;
}

/// The name that dbt gives the variable in its artifacts.
std::string read_variable(const Yaml& value) {
  auto name = value.string();
  if (name.starts_with(kEnvPrefix)) name.erase(0, kEnvPrefix.size());
  if (!valid_name(name)) value.fail("expected the name of a variable of the environment");
  return name;
}

}  // namespace

EnvLabels ProjectLabels::default_env_labels() {
  return {{"dag_id", {"DAG_ID", "AIRFLOW_CTX_DAG_ID"}},
          {"task_id", {"TASK_ID", "AIRFLOW_CTX_TASK_ID"}}};
}

std::string_view ProjectLabels::value(const Labels& origin, std::string_view label) const {
  for (const auto* labels : {&origin, &fixed}) {
    const auto found = labels->find(label);
    if (found != labels->end()) return found->second;
  }
  return {};
}

ProjectLabels read_labels(const Yaml& project) {
  ProjectLabels found{{}, ProjectLabels::default_env_labels()};
  if (const auto labels = project.optional("labels")) {
    for (const auto& [name, value] : read_names(*labels)) {
      const auto text = value.string();
      if (text.empty() || text.size() > kMostBytes) {
        value.fail("expected a text of 1 to " + std::to_string(kMostBytes) + " bytes");
      }
      found.fixed[name] = text;
    }
  }
  if (const auto labels = project.optional("env_labels")) {
    for (const auto& [name, value] : read_names(*labels)) {
      found.env_labels[name] = {read_variable(value)};
    }
  }
  return found;
}

}  // namespace exporter::dbt
