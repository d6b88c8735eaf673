#pragma once

#include <string>

#include "common/metric/samples.h"
#include "exporters/airflow/history.h"

namespace exporter::airflow {

/// Adds the number of unfinished runs and tasks by state, and the age of the oldest.
void add_live(Samples& samples, const std::string& deployment, const Live& live);

}  // namespace exporter::airflow
