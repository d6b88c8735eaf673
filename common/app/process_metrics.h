#pragma once

#include <vector>

#include "common/metric/samples.h"

namespace exporter {

/// Adds process_* of this process, under the names that all Prometheus clients share
/// (prometheus.io/docs/instrumenting/writing_clientlibs); metrics that cannot be read are left out.
void add_process_metrics(Samples& samples);

std::vector<MetricView> process_metrics();

}  // namespace exporter
