#pragma once

#include <span>

#include "exporters/host/module.h"

namespace exporter::host {

/// All collectors of host_exporter, in the order of their names.
std::span<const Module* const> modules();

extern const Module kArp;
extern const Module kBonding;
extern const Module kBtrfs;
extern const Module kConntrack;
extern const Module kDiskstats;
extern const Module kFilesystem;
extern const Module kLoadavg;
extern const Module kMdadm;
extern const Module kNetclass;
extern const Module kNetdev;
extern const Module kNetstat;
extern const Module kNfs;
extern const Module kNvme;
extern const Module kSockstat;
extern const Module kSoftnet;
extern const Module kTcpstat;
extern const Module kUdpQueues;
extern const Module kXfs;

}  // namespace exporter::host
