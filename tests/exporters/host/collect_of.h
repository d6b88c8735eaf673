#pragma once

#include <memory>

#include "exporters/host/module.h"

/// What the module makes for that host.
inline exporter::CollectFunction collect_of(const exporter::host::Module& module,
                                            exporter::host::Host host) {
  return module.make(std::make_shared<exporter::host::Host>(std::move(host)));
}
