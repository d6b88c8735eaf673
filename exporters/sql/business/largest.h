#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

namespace exporter::sql::business {

/// The names that a label shows if there may be too many: the largest, and among equals the first
/// by name. All others are "other"; the empty name stays empty.
class Largest {
 public:
  Largest(const std::map<std::string, double>& sizes, std::size_t most);
  const std::string& shown(const std::string& name) const;

 private:
  std::set<std::string> names_;
};

}  // namespace exporter::sql::business
