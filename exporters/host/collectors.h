#pragma once

#include <span>

#include "exporters/host/module.h"

namespace exporter::host {

/// All collectors of host_exporter, in the order of their names.
std::span<const Module* const> modules();

extern const Module kArp;
extern const Module kBcache;
extern const Module kBonding;
extern const Module kBtrfs;
extern const Module kBuddyinfo;
extern const Module kCgroups;
extern const Module kConntrack;
extern const Module kContainer;
extern const Module kCpu;
extern const Module kCpuVulnerabilities;
extern const Module kCpufreq;
extern const Module kDiskstats;
extern const Module kDmi;
extern const Module kDmmultipath;
extern const Module kDrbd;
extern const Module kDrm;
extern const Module kEdac;
extern const Module kEntropy;
extern const Module kEthtool;
extern const Module kFibrechannel;
extern const Module kFilefd;
extern const Module kFilesystem;
extern const Module kHwmon;
extern const Module kInfiniband;
extern const Module kInterrupts;
extern const Module kIpvs;
extern const Module kKernelHung;
extern const Module kKsmd;
extern const Module kLnstat;
extern const Module kLoadavg;
extern const Module kMdadm;
extern const Module kMeminfo;
extern const Module kMeminfoNuma;
extern const Module kMountstats;
extern const Module kNetclass;
extern const Module kNetdev;
extern const Module kNetstat;
extern const Module kNetworkRoute;
extern const Module kNfs;
extern const Module kNfsd;
extern const Module kNvme;
extern const Module kNvmesubsystem;
extern const Module kOs;
extern const Module kPcidevice;
extern const Module kPowerSupplyClass;
extern const Module kPressure;
extern const Module kProbe;
extern const Module kProcesses;
extern const Module kQdisc;
extern const Module kRapl;
extern const Module kRunit;
extern const Module kSchedstat;
extern const Module kSelinux;
extern const Module kSlabinfo;
extern const Module kSockstat;
extern const Module kSoftirqs;
extern const Module kSoftnet;
extern const Module kStat;
extern const Module kSwap;
extern const Module kSysctl;
extern const Module kSystemd;
extern const Module kTapestats;
extern const Module kTcpstat;
extern const Module kTextfile;
extern const Module kThermalZone;
extern const Module kTime;
extern const Module kTimex;
extern const Module kUdpQueues;
extern const Module kUname;
extern const Module kVmstat;
extern const Module kWatchdog;
extern const Module kXfrm;
extern const Module kXfs;
extern const Module kZfs;
extern const Module kZoneinfo;

}  // namespace exporter::host
