#include "exporters/host/collectors.h"

namespace exporter::host {

std::span<const Module* const> modules() {
  static constexpr const Module* kModules[] = {
      &kCpu,        &kCpufreq,    &kDmi,      &kEntropy,  &kFilefd, &kFilesystem,
      &kInterrupts, &kKernelHung, &kLoadavg,  &kMeminfo,  &kOs,     &kPressure,
      &kProcesses,  &kSchedstat,  &kSlabinfo, &kSoftirqs, &kStat,   &kTime,
      &kTimex,      &kUname,      &kVmstat,   &kZoneinfo,
      &kArp,     &kBonding,  &kBtrfs,     &kConntrack,  &kCpu,        &kCpufreq,    &kDiskstats,
      &kDmi,     &kEntropy,  &kFilefd,    &kFilesystem, &kInterrupts, &kKernelHung, &kLoadavg,
      &kMdadm,   &kMeminfo,  &kNetclass,  &kNetdev,     &kNetstat,    &kNfs,        &kNvme,
      &kOs,      &kPressure, &kProcesses, &kSchedstat,  &kSlabinfo,   &kSockstat,   &kSoftirqs,
      &kSoftnet, &kStat,     &kTcpstat,   &kTextfile,   &kTime,       &kTimex,      &kUdpQueues,
      &kUname,   &kVmstat,   &kXfs,       &kZoneinfo,
  };
  return kModules;
}

}  // namespace exporter::host
