#include "exporters/host/device_filter.h"

namespace exporter::host {

Filter device_filter(const Settings& settings, const Flag& include, const Flag& exclude) {
  if (settings.text(include.name).empty()) return {settings, {}, exclude.name};
  const auto& excluded = settings.text(exclude.name);
  if (!excluded.empty() && excluded != exclude.fallback) {
    settings.fail(include.name, "cannot be set together with --" + std::string(exclude.name));
  }
  return {settings, include.name, {}};
}

}  // namespace exporter::host
