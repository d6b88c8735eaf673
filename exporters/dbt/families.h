#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/app/settings.h"
#include "common/metric/samples.h"
#include "exporters/dbt/project.h"

namespace exporter::dbt {

/// Selects the nodes that are shown: flags --nodes.*, the same for all projects.
class Selection {
 public:
  static std::span<const Flag> flags();
  explicit Selection(const Settings& settings);

  /// The ids of the nodes that are shown: those that match, up to the limit for each project;
  /// failing ones have priority, then those that have run, then the rest in order. Counts the
  /// others as dropped.
  std::vector<std::string> choose(const Project& project, Samples& samples) const;

 private:
  bool passes(const Node& node) const;

  Filter package_, resource_type_, path_, tag_include_, tag_exclude_;
  bool by_tag_;  // only nodes with an included tag
  std::size_t limit_;
};

/// A part of the page: its metrics, and the function that adds them for a project. Each has a file
/// of its own.
struct Part {
  std::span<const MetricView> metrics;
  void (*add)(Samples& samples, const Project& project, std::span<const std::string> shown);
};

extern const Part kNodes, kOrigins, kInvocations, kFreshness, kCoverage, kExposures, kCatalog;

/// Seconds since 1970, as in Prometheus.
double unix_seconds(Time time);

}  // namespace exporter::dbt
