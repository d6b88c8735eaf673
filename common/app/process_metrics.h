#pragma once

#include <atomic>
#include <vector>

#include "common/metric/samples.h"

namespace exporter {

/// A time by the wall clock that is computed again and again, each time slightly different: the
/// first one, until the clock was set. Thread-safe.
class KeptTime {
 public:
  double keep(double unix_seconds);

 private:
  std::atomic<double> kept_ = 0;
};

/// Adds process_* of this process, under the names that all Prometheus clients share
/// (prometheus.io/docs/instrumenting/writing_clientlibs); metrics that cannot be read are left out.
void add_process_metrics(Samples& samples);

std::vector<MetricView> process_metrics();

}  // namespace exporter
