#pragma once

#include <linux/if_link.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "exporters/host/netlink.h"

namespace exporter::host {

/// A network device, with the values of its files in /sys/class/net. A value is empty if the file
/// cannot be read: the carrier of a link that is down.
struct Link {
  using Number = std::optional<std::int64_t>;

  std::string name, state, address, broadcast, alias;
  Number index, link, type, mtu, queue_length, group, mode, dormant;
  Number carrier, carrier_changes, carrier_ups, carrier_downs;

  // Not available by netlink.
  std::string duplex;
  Number flags, speed, device_id, address_assignment, name_assignment;
};

/// All devices in the network namespace of `netlink` (RTM_GETLINK, rtnetlink(7)), a NETLINK_ROUTE
/// socket. Throws as Netlink::dump() does.
std::vector<Link> links(Netlink& netlink);

/// The counters of a device: struct rtnl_link_stats64 of linux/if_link.h.
struct LinkCounters {
  std::int64_t index;
  rtnl_link_stats64 counters;
};

/// The counters of all devices (RTM_GETSTATS, since Linux 4.7); see links().
std::vector<LinkCounters> link_counters(Netlink& netlink);

/// Receives the kernel's notifications of changed devices (RTNLGRP_LINK, rtnetlink(7)) in the
/// network namespace of the constructing thread. The loss of a carrier is reported within a second.
class LinkChanges {
 public:
  LinkChanges();
  ~LinkChanges();
  LinkChanges(const LinkChanges&) = delete;
  LinkChanges& operator=(const LinkChanges&) = delete;

  /// Whether any device may have changed since the last call; always true without notifications.
  bool any();

 private:
  int socket_;
};

/// The devices in this process's network namespace. Read again when one has changed, and once a
/// minute, because the kernel does not report all changes: for example a group written to sysfs.
class Links {
 public:
  /// False if a sandbox forbids netlink.
  bool open() { return netlink_.open(); }
  /// Updates all(); returns whether the devices were read again. Throws as Netlink::dump() does.
  bool refresh();
  const std::vector<Link>& all() const { return all_; }
  Netlink& netlink() { return netlink_; }

 private:
  Netlink netlink_{NETLINK_ROUTE};
  LinkChanges changes_;
  std::vector<Link> all_;
  std::optional<Clock::time_point> asked_;
};

}  // namespace exporter::host
