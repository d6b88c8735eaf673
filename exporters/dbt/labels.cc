#include "exporters/dbt/labels.h"

#include "common/app/labels.h"
#include "common/metric/metric.h"

namespace exporter::dbt {
namespace {

/// The labels of the families that have the others too.
constexpr std::string_view kTaken[] = {"project", "unique_id"};

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
  ProjectLabels found{read_fixed_labels(project, kTaken), ProjectLabels::default_env_labels()};
  if (const auto labels = project.optional("env_labels")) {
    for (const auto& [name, value] : read_label_names(*labels, kTaken)) {
      found.env_labels[name] = {read_variable(value)};
    }
  }
  return found;
}

}  // namespace exporter::dbt
