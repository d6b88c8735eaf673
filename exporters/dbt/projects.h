#pragma once

#include <string>
#include <vector>

#include "common/app/app.h"
#include "exporters/dbt/source.h"

namespace exporter::dbt {

/// A project and where its artifacts are.
struct Place {
  std::string project;
  Source source;
};

std::span<const Flag> project_flags();

/// The projects of the configuration file, or the one of the flags. Throws Error{config}.
std::vector<Place> read_projects(const App::Inputs& inputs);

}  // namespace exporter::dbt
