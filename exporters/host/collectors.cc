#include "exporters/host/collectors.h"

namespace exporter::host {

std::span<const Module* const> modules() {
  static constexpr const Module* kModules[] = {
      &kArp,         &kBonding,
      &kBtrfs,       &kBuddyinfo,
      &kConntrack,   &kContainer,
      &kCpu,         &kCpufreq,
      &kDiskstats,   &kDmi,
      &kDmmultipath, &kEdac,
      &kEntropy,     &kFibrechannel,
      &kFilefd,      &kFilesystem,
      &kHwmon,       &kInfiniband,
      &kInterrupts,  &kKernelHung,
      &kKsmd,        &kLoadavg,
      &kMdadm,       &kMeminfo,
      &kMeminfoNuma, &kMountstats,
      &kNetclass,    &kNetdev,
      &kNetstat,     &kNfs,
      &kNfsd,        &kNvme,
      &kOs,          &kPowerSupplyClass,
      &kPressure,    &kProbe,
      &kProcesses,   &kRapl,
      &kSchedstat,   &kSlabinfo,
      &kSockstat,    &kSoftirqs,
      &kSoftnet,     &kStat,
      &kSwap,        &kSystemd,
      &kTcpstat,     &kTextfile,
      &kThermalZone, &kTime,
      &kTimex,       &kUdpQueues,
      &kUname,       &kVmstat,
      &kWatchdog,    &kXfs,
      &kZfs,         &kZoneinfo,
  };
  return kModules;
}

}  // namespace exporter::host
