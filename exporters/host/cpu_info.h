#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/app/settings.h"
#include "exporters/host/files.h"

namespace exporter::host {

/// One CPU of /proc/cpuinfo: texts as they stand there, empty where the kernel does not say.
struct CpuInfo {
  std::string_view cpu, package, core, vendor, family, model, model_name, microcode, stepping,
      cache_size;
  std::string_view flags, bugs;  ///< words
  std::optional<double> hertz;
};

/// The CPUs of /proc/cpuinfo as x86 and arm64 write it; the texts are valid until the next read
/// from `proc`. Throws Error{decode}.
std::vector<CpuInfo> read_cpu_info(Files& proc);

/// Whether the flags ask for node_cpu_info: by itself or by one of its filters.
bool wants_cpu_info(const Settings& settings);

}  // namespace exporter::host
