#pragma once

#include <memory>
#include <string>

#include "common/app/module.h"
#include "common/app/sources.h"
#include "common/ledger/ledgers.h"
#include "exporters/airflow/api.h"
#include "exporters/airflow/requirements.h"
#include "exporters/airflow/selection.h"

namespace exporter::airflow {

/// One deployment of Airflow: the state that its collectors share.
struct Deployment {
  std::string name;  ///< the label `deployment`
  std::string url;   ///< of its web interface, without a slash at the end
  Api api;
  SharedLedger ledger;  ///< what is kept across restarts, and the finished runs
  SharedLedger tasks;   ///< the finished tries of tasks
  SharedLedger assets;  ///< the events of assets
  std::shared_ptr<const Settings> settings;
  Requirements requirements;
  Selection selection;
};

/// Reads the version and one row of each list, and, if there are deadlines, all DAGs.
Findings check_deployment(Deployment& deployment, std::span<const std::string_view> collectors,
                          const Deadline& deadline);

/// The deployments in the configuration file, or the one that the flags describe.
extern const SourceKind<Deployment> kDeployments;

using Module = exporter::Module<Deployment>;
extern const Module kHealth, kDags, kDagWarnings, kImportErrors, kPools, kRuns, kAssets, kJobs;
inline constexpr const Module* kModules[] = {&kHealth, &kDags, &kDagWarnings, &kImportErrors,
                                             &kPools,  &kRuns, &kAssets,      &kJobs};

}  // namespace exporter::airflow
