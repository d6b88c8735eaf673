#pragma once

#include <prometheus/registry.h>

#include "common/http/upstream_metrics.h"

/// Counts the requests of the collectors under test.
inline exporter::http::UpstreamMetrics& upstreams() {
  static prometheus::Registry registry;
  static exporter::http::UpstreamMetrics metrics(registry);
  return metrics;
}
