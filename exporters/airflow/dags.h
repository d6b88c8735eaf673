#pragma once

#include "exporters/airflow/deployment.h"

namespace exporter::airflow {

/// Reads the list of DAGs and hands it to the deployment's selection. Throws as Api::get() does.
void read_dags(Deployment& deployment, Samples& samples, const Deadline& deadline);

}  // namespace exporter::airflow
