#pragma once

#include <string_view>
#include <vector>

#include "common/config/yaml.h"
#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// What a variable that dbt copies into its artifacts begins with; there it has the rest as name.
constexpr std::string_view kEnvPrefix = "DBT_ENV_CUSTOM_ENV_";

/// What a project's configuration says of its labels.
struct ProjectLabels {
  Labels fixed;          ///< the same for all that is of the project
  EnvLabels env_labels;  ///< by what dbt's environment was when it ran

  /// Those that are read without a configuration: dag_id and task_id.
  static EnvLabels default_env_labels();
  /// The value of a label of what had this origin; the project's where that has none, else empty.
  std::string_view value(const Labels& origin, std::string_view label) const;
};

/// Reads `labels` and `env_labels` of a project. Throws Error{config}.
ProjectLabels read_labels(const Yaml& project);

}  // namespace exporter::dbt
