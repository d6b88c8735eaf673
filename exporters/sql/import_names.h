#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/collect/family_names.h"
#include "common/metric/metric.h"

namespace exporter::sql {

/// What a label of the page is called so that Prometheus stores it as before: it renames those that
/// clash with its own (honor_labels: false). Nothing where ours cannot have it.
std::optional<std::string> kept_label(const std::string& name);

/// The names of collectors and families that are taken, at first by the exporter itself.
class ImportedNames {
 public:
  ImportedNames();

  /// A new collector's name, like the one that is wanted.
  std::string take_collector(std::string_view wanted);
  /// Whether the family's name was free.
  bool take_family(const std::string& name, MetricType type);

 private:
  std::set<std::string, std::less<>> collectors_;
  FamilyNames families_;
  std::size_t count_ = 0;
};

}  // namespace exporter::sql
