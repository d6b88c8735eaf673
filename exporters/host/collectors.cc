#include "exporters/host/collectors.h"

namespace exporter::host {

std::span<const Module* const> modules() {
  static constexpr const Module* kModules[] = {
      &kLoadavg,
  };
  return kModules;
}

}  // namespace exporter::host
