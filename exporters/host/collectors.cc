#include "exporters/host/collectors.h"

namespace exporter::host {

std::span<const Module* const> modules() {
  static constexpr const Module* kModules[] = {
      &kArp,      &kBcache,        &kBonding,      &kBtrfs,       &kBuddyinfo,
      &kCgroups,  &kConntrack,     &kContainer,    &kCpu,         &kCpuVulnerabilities,
      &kCpufreq,  &kDiskstats,     &kDmi,          &kDmmultipath, &kDrbd,
      &kDrm,      &kEdac,          &kEntropy,      &kEthtool,     &kFibrechannel,
      &kFilefd,   &kFilesystem,    &kHwmon,        &kInfiniband,  &kInterrupts,
      &kIpvs,     &kKernelHung,    &kKsmd,         &kLnstat,      &kLoadavg,
      &kMdadm,    &kMeminfo,       &kMeminfoNuma,  &kMountstats,  &kNetclass,
      &kNetdev,   &kNetstat,       &kNetworkRoute, &kNfs,         &kNfsd,
      &kNvme,     &kNvmesubsystem, &kOs,           &kPcidevice,   &kPowerSupplyClass,
      &kPressure, &kProbe,         &kProcesses,    &kQdisc,       &kRapl,
      &kRunit,    &kSchedstat,     &kSelinux,      &kSlabinfo,    &kSockstat,
      &kSoftirqs, &kSoftnet,       &kStat,         &kSwap,        &kSysctl,
      &kSystemd,  &kTapestats,     &kTcpstat,      &kTextfile,    &kThermalZone,
      &kTime,     &kTimex,         &kUdpQueues,    &kUname,       &kVmstat,
      &kWatchdog, &kXfrm,          &kXfs,          &kZfs,         &kZoneinfo,
  };
  return kModules;
}

}  // namespace exporter::host
