#include "exporters/sql/business/largest.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace exporter::sql::business {

Largest::Largest(const std::map<std::string, double>& sizes, std::size_t most) {
  std::vector<std::pair<double, std::string>> order;
  for (const auto& [name, size] : sizes) {
    if (!name.empty()) order.emplace_back(-size, name);
  }
  std::ranges::sort(order);
  if (order.size() > most) order.resize(most);
  for (auto& [size, name] : order) names_.insert(std::move(name));
}

const std::string& Largest::shown(const std::string& name) const {
  static const std::string kOther = "other";
  return name.empty() || names_.contains(name) ? name : kOther;
}

}  // namespace exporter::sql::business
