#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/app/settings.h"
#include "common/metric/samples.h"
#include "exporters/dbt/project.h"

namespace exporter::dbt {

/// Which nodes are shown: flags --nodes.*, the same for all projects.
class Selection {
 public:
  static std::span<const Flag> flags();
  explicit Selection(const Settings& settings);

  /// The ids of the nodes that are shown: of those that pass, at most the limit for each project,
  /// those that fail first, then those that run, the rest in order. Counts the others as dropped.
  std::vector<std::string> choose(const Project& project, Samples& samples) const;

 private:
  bool passes(const Node& node) const;

  Filter package_, resource_type_, path_, tag_include_, tag_exclude_;
  bool by_tag_;  // only nodes with a tag that is included
  std::size_t limit_;
};

/// A part of the page: what it declares, and how it is made of a project. Each stands in a file of
/// its own.
struct Part {
  std::span<const MetricView> metrics;
  void (*add)(Samples& samples, const Project& project, std::span<const std::string> shown);
};

extern const Part kNodes, kOrigins, kInvocations, kFreshness, kCoverage, kExposures, kCatalog;

/// A time as Prometheus has it.
double unix_seconds(Time time);

}  // namespace exporter::dbt
