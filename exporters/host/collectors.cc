#include "exporters/host/collectors.h"

namespace exporter::host {

std::span<const Module* const> modules() {
  static constexpr const Module* kModules[] = {
      &kFilesystem,
      &kLoadavg,
      &kTextfile,
  };
  return kModules;
}

}  // namespace exporter::host
