#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/collect/family_names.h"
#include "common/metric/metric.h"

namespace exporter::sql {

/// The name for a label so that Prometheus stores it as before: it renames labels that clash with
/// its own (honor_labels: false). Nothing if we cannot use the name.
std::optional<std::string> kept_label(const std::string& name);

/// The names of collectors and families in use, at first the exporter's own.
class ImportedNames {
 public:
  ImportedNames();

  /// An unused name for a collector, similar to the wanted one.
  std::string take_collector(std::string_view wanted);
  /// Claims the name for a family; false if it is in use.
  bool take_family(const std::string& name, MetricType type);

 private:
  std::set<std::string, std::less<>> collectors_;
  FamilyNames families_;
  std::size_t count_ = 0;
};

}  // namespace exporter::sql
