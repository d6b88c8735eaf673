#pragma once

#include <memory>
#include <string>

#include "common/app/sources.h"
#include "common/ledger/ledgers.h"
#include "exporters/dbt/cloud.h"
#include "exporters/dbt/families.h"
#include "exporters/dbt/lister.h"

namespace exporter::dbt {

/// A project and the location of its artifacts.
struct ProjectSource {
  std::string name;
  Selection selection;
  SharedLedger ledger;  ///< its own, because a busy source's events would make a quiet one's late
  Lister list;
  bool is_remote = false;                   ///< a listing costs requests
  std::shared_ptr<const Cloud> cloud = {};  ///< if dbt Cloud has the artifacts
  ProjectLabels labels = {};
};

/// Reads the artifacts; of a remote source, the newest of each kind.
Findings check_project(ProjectSource& project, std::span<const std::string_view> collectors,
                       const Deadline& deadline);

/// The projects in the list, or the one that the flags describe. Making them throws Error{config},
/// and as Ledgers::open() does.
extern const SourceKind<ProjectSource> kProjects;

}  // namespace exporter::dbt
