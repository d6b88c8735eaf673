#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/yaml.h"

namespace exporter {

/// Label values by label name.
using FixedLabels = std::map<std::string, std::string, std::less<>>;

/// The entries of a map from label names to values: at most 8, none of them a label that the family
/// has already or one that Prometheus reserves. Throws Error{config}.
std::vector<std::pair<std::string, Yaml>> read_label_names(const Yaml& map,
                                                           std::span<const std::string_view> taken);

/// The key `labels` of a source; each value has 1 to 500 bytes. Throws Error{config}.
FixedLabels read_fixed_labels(const Yaml& entry, std::span<const std::string_view> taken);

}  // namespace exporter
