#pragma once

#include <memory>
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
  ProjectLabels labels = {};
};

/// The projects of the list, or the one of the flags. Made, they throw Error{config}, and as
/// Ledgers::open() does.
extern const SourceKind<ProjectSource> kProjects;

}  // namespace exporter::dbt
