#pragma once

#include <memory>

#include "common/collect/past.h"
#include "exporters/airflow/deployment.h"

namespace exporter::airflow {

/// The runs of DAGs that ended before the exporter counted them, each by its last end: for
/// Module::make_past. Its requests use the deployment's budget.
ReadPast read_past_runs(const std::shared_ptr<Deployment>& deployment, const PastRange& range);

}  // namespace exporter::airflow
