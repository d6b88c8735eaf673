#pragma once

#include <vector>

#include "common/metric/samples.h"

namespace exporter {

/// Adds process_* of this process, the names that all Prometheus clients share
/// (prometheus.io/docs/instrumenting/writing_clientlibs); what cannot be read is left out.
void add_process_metrics(Samples& samples);

std::vector<MetricView> process_metrics();

}  // namespace exporter
