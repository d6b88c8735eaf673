#pragma once

#include <string>

#include "common/metric/samples.h"
#include "exporters/airflow/history.h"

namespace exporter::airflow {

/// Adds what has not ended, by state, and since when the oldest of it.
void add_live(Samples& samples, const std::string& deployment, const Live& live);

}  // namespace exporter::airflow
