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

/// Values of labels by their names.
using FixedLabels = std::map<std::string, std::string, std::less<>>;

/// The entries of a map whose keys are names of labels: up to 8, and none of those that the family
/// has already or that Prometheus keeps for itself. Throws Error{config}.
std::vector<std::pair<std::string, Yaml>> read_label_names(const Yaml& map,
                                                           std::span<const std::string_view> taken);

/// The key `labels` of a source: each value is a text of 1 to 500 bytes. Throws Error{config}.
FixedLabels read_fixed_labels(const Yaml& entry, std::span<const std::string_view> taken);

}  // namespace exporter
