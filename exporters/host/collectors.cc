#include "exporters/host/collectors.h"

namespace exporter::host {

std::span<const Module* const> modules() {
  static constexpr const Module* kModules[] = {
      &kArp,      &kBonding,  &kBtrfs,   &kConntrack, &kDiskstats, &kLoadavg,
      &kMdadm,    &kNetclass, &kNetdev,  &kNetstat,   &kNfs,       &kNvme,
      &kSockstat, &kSoftnet,  &kTcpstat, &kUdpQueues, &kXfs,
      &kFilesystem,
      &kLoadavg,
  };
  return kModules;
}

}  // namespace exporter::host
