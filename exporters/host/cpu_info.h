#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "common/app/settings.h"
#include "common/metric/samples.h"
#include "exporters/host/files.h"

namespace exporter::host {

/// One CPU of /proc/cpuinfo: texts as written there, empty if the kernel does not report them.
struct CpuInfo {
  std::string_view cpu, package, core, vendor, family, model, model_name, microcode, stepping,
      cache_size;
  std::string_view flags, bugs;  ///< words
  std::optional<double> hertz;
};

/// The CPUs of /proc/cpuinfo on x86 and arm64; the texts are valid until the next read from `proc`.
/// Throws Error{decode}.
std::vector<CpuInfo> read_cpu_info(Files& proc);

inline constexpr std::string_view kCpuInfoFlag = "collector.cpu.info";
inline constexpr std::string_view kCpuFlagsInclude = "collector.cpu.info.flags-include";
inline constexpr std::string_view kCpuBugsInclude = "collector.cpu.info.bugs-include";

/// Whether the flags enable node_cpu_info: directly or through one of its filters.
bool wants_cpu_info(const Settings& settings);

inline constexpr auto kCpuInfo =
    info("node_cpu_info", "CPU information from /proc/cpuinfo.", "package", "core", "cpu", "vendor",
         "family", "model", "model_name", "microcode", "stepping", "cachesize");
inline constexpr auto kCpuFlagInfo = info(
    "node_cpu_flag_info",
    "The `flags` field of CPU information from /proc/cpuinfo taken from the first core.", "flag");
inline constexpr auto kCpuBugInfo = info(
    "node_cpu_bug_info",
    "The `bugs` field of CPU information from /proc/cpuinfo taken from the first core.", "bug");

/// Adds these three, as selected by the flags.
class CpuInfoSamples {
 public:
  explicit CpuInfoSamples(const Settings& settings);
  void collect(Files& proc, Samples& samples) const;

 private:
  bool wanted_;
  std::optional<Filter> flags_, bugs_;
};

}  // namespace exporter::host
