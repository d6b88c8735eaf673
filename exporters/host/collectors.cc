#include "exporters/host/collectors.h"

namespace exporter::host {

std::span<const Module* const> modules() {
  static constexpr const Module* kModules[] = {
      &kCpu,        &kCpufreq,    &kDmi,      &kEntropy,  &kFilefd, &kFilesystem,
      &kInterrupts, &kKernelHung, &kLoadavg,  &kMeminfo,  &kOs,     &kPressure,
      &kProcesses,  &kSchedstat,  &kSlabinfo, &kSoftirqs, &kStat,   &kTime,
      &kTimex,      &kUname,      &kVmstat,   &kZoneinfo,
  };
  return kModules;
}

}  // namespace exporter::host
