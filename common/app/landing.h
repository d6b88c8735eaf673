#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/collect/exposition.h"

namespace exporter {

struct LandingOptions {
  std::string_view name, description, telemetry_path;
  std::string_view source_label;  ///< empty where the source has no name
};

/// The page at "/": what the exporter is, and the results of the last runs of each collector.
std::string landing_page(const LandingOptions& options,
                         const std::vector<Exposition::Overview>& collectors);

}  // namespace exporter
