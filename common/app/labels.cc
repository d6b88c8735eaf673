#include "common/app/labels.h"

#include <algorithm>
#include <array>

#include "common/metric/metric.h"

namespace exporter {
namespace {

constexpr std::size_t kMost = 8, kMostBytes = 500;
constexpr std::array<std::string_view, 4> kReserved{"job", "instance", "le", "quantile"};

}  // namespace

std::vector<std::pair<std::string, Yaml>> read_label_names(
    const Yaml& map, std::span<const std::string_view> taken) {
  auto entries = map.entries();
  if (entries.size() > kMost) map.fail("more than " + std::to_string(kMost) + " labels");
  for (const auto& [name, value] : entries) {
    const bool is_reserved = name.starts_with("__") ||
                             std::ranges::find(kReserved, name) != kReserved.end() ||
                             std::ranges::find(taken, name) != taken.end();
    if (is_reserved || !valid_label_name(name)) value.fail("expected a label name");
  }
  return entries;
}

FixedLabels read_fixed_labels(const Yaml& entry, std::span<const std::string_view> taken) {
  FixedLabels found;
  const auto labels = entry.optional("labels");
  if (!labels) return found;
  for (const auto& [name, value] : read_label_names(*labels, taken)) {
    const auto text = value.string();
    if (text.empty() || text.size() > kMostBytes) {
      value.fail("expected a string of 1 to " + std::to_string(kMostBytes) + " bytes");
    }
    found[name] = text;
  }
  return found;
}

}  // namespace exporter
