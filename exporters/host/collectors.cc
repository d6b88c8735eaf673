#include "exporters/host/collectors.h"

namespace exporter::host {

std::span<const Module* const> modules() {
  static constexpr const Module* kModules[] = {
      &kArp,        &kBonding,     &kBtrfs,      &kConntrack,
      &kContainer,  &kCpu,         &kCpufreq,    &kDiskstats,
      &kDmi,        &kEdac,        &kEntropy,    &kFilefd,
      &kFilesystem, &kHwmon,       &kInterrupts, &kKernelHung,
      &kLoadavg,    &kMdadm,       &kMeminfo,    &kMountstats,
      &kNetclass,   &kNetdev,      &kNetstat,    &kNfs,
      &kNfsd,       &kNvme,        &kOs,         &kPowerSupplyClass,
      &kPressure,   &kProbe,       &kProcesses,  &kRapl,
      &kSchedstat,  &kSlabinfo,    &kSockstat,   &kSoftirqs,
      &kSoftnet,    &kStat,        &kSystemd,    &kTcpstat,
      &kTextfile,   &kThermalZone, &kTime,       &kTimex,
      &kUdpQueues,  &kUname,       &kVmstat,     &kWatchdog,
      &kXfs,        &kZfs,         &kZoneinfo,
  };
  return kModules;
}

}  // namespace exporter::host
