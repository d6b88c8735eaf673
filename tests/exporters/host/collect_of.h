#pragma once

#include <memory>

#include "exporters/host/module.h"

/// The samples of a module on that host.
inline exporter::CollectFunction collect_of(const exporter::host::Module& module,
                                            exporter::host::Host host) {
  return module.make(std::make_shared<exporter::host::Host>(std::move(host)));
}
