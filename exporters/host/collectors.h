#pragma once

#include <span>

#include "exporters/host/module.h"

namespace exporter::host {

/// All collectors of host_exporter, in the order of their names.
std::span<const Module* const> modules();

extern const Module kFilesystem;
extern const Module kLoadavg;
extern const Module kTextfile;

}  // namespace exporter::host
