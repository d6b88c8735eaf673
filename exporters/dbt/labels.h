#pragma once

#include <string_view>
#include <vector>

#include "common/config/yaml.h"
#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// The prefix of the variables that dbt copies into its artifacts, where their names lack it.
constexpr std::string_view kEnvPrefix = "DBT_ENV_CUSTOM_ENV_";

/// The labels that a project's configuration defines.
struct ProjectLabels {
  Labels fixed;          ///< the same for the whole project
  EnvLabels env_labels;  ///< from the environment in which dbt ran

  /// The labels that are read without a configuration: dag_id and task_id.
  static EnvLabels default_env_labels();
  /// The value of a label for results with this origin; else the project's, else empty.
  std::string_view value(const Labels& origin, std::string_view label) const;
};

/// Reads `labels` and `env_labels` of a project. Throws Error{config}.
ProjectLabels read_labels(const Yaml& project);

}  // namespace exporter::dbt
