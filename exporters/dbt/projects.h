#pragma once

#include <string>
#include <vector>

#include "common/app/app.h"
#include "common/ledger/ledger.h"
#include "exporters/dbt/cloud.h"
#include "exporters/dbt/source.h"

namespace exporter::dbt {

/// A project and where its artifacts are.
struct Place {
  std::string project;
  Source source;
  std::shared_ptr<const Cloud> cloud = {};  ///< where that is the source
};

std::span<const Flag> project_flags();

/// The projects of the configuration file, or the one of the flags. What is counted of dbt Cloud's
/// runs goes into the ledger. Throws Error{config}.
std::vector<Place> read_projects(const App::Inputs& inputs, const std::shared_ptr<Ledger>& ledger);

}  // namespace exporter::dbt
