#pragma once

#include <string>
#include <vector>

#include "common/app/app.h"
#include "common/ledger/ledgers.h"
#include "exporters/dbt/cloud.h"
#include "exporters/dbt/source.h"

namespace exporter::dbt {

/// A project and where its artifacts are.
struct Place {
  std::string project;
  SharedLedger ledger;  ///< its own: what is late in a busy one is not in a quiet one
  Source source;
  std::shared_ptr<const Cloud> cloud = {};  ///< where that is the source
  bool is_remote = false;                   ///< a look costs requests
};

std::span<const Flag> project_flags();

/// The projects of the configuration file, or the one of the flags. Throws Error{config}, and as
/// Ledgers::open() does.
std::vector<Place> read_projects(const App::Inputs& inputs, Ledgers& ledgers);

}  // namespace exporter::dbt
