#pragma once

#include <memory>
#include <span>
#include <string>

#include "common/app/sources.h"
#include "common/ledger/ledgers.h"
#include "exporters/dbt/cloud.h"
#include "exporters/dbt/families.h"
#include "exporters/dbt/lister.h"

namespace exporter::dbt {

/// A project and where its artifacts are.
struct ProjectSource {
  std::string name;
  Selection selection;
  SharedLedger ledger;  ///< its own: what is late in a busy one is not in a quiet one
  Lister list;
  bool is_remote = false;                   ///< a listing costs requests
  std::shared_ptr<const Cloud> cloud = {};  ///< where that has the artifacts
};

/// The flags of the one project of an exporter without a list of projects.
std::span<const SourceFlag> project_flags();

/// The project of an entry of the list. Throws Error{config}, and as Ledgers::open() does.
std::shared_ptr<ProjectSource> make_project(const SourceInputs& inputs);

}  // namespace exporter::dbt
