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

/// A network device, in the words and numbers of its files below /sys/class/net. Has no value where
/// the file cannot be read: the carrier of a link that is down.
struct Link {
  using Number = std::optional<std::int64_t>;

  std::string name, state, address, broadcast, alias;
  Number index, link, type, mtu, queue_length, group, mode, dormant;
  Number carrier, carrier_changes, carrier_ups, carrier_downs;

  // What netlink does not tell.
  std::string duplex;
  Number flags, speed, device_id, address_assignment, name_assignment;
};

/// All devices in the network namespace of `netlink` (RTM_GETLINK, rtnetlink(7)), which is of
/// NETLINK_ROUTE. Throws as Netlink::dump() does.
std::vector<Link> links(Netlink& netlink);

/// The counters of a device: struct rtnl_link_stats64 of linux/if_link.h.
struct LinkCounters {
  std::int64_t index;
  rtnl_link_stats64 counters;
};

/// Those of all devices (RTM_GETSTATS, since Linux 4.7), as links().
std::vector<LinkCounters> link_counters(Netlink& netlink);

/// Hears the kernel tell of devices that change (RTNLGRP_LINK, rtnetlink(7)) in the network
/// namespace of the thread that makes it. A carrier that is lost is told within a second.
class LinkChanges {
 public:
  LinkChanges();
  ~LinkChanges();
  LinkChanges(const LinkChanges&) = delete;
  LinkChanges& operator=(const LinkChanges&) = delete;

  /// Whether any device may have changed since the last call; always when the kernel is not heard.
  bool any();

 private:
  int socket_;
};

/// The devices in this process's network namespace. They are asked for anew when one has changed,
/// and once a minute, as the kernel does not tell of all: of a group that is written to sysfs.
class Links {
 public:
  /// False when a sandbox forbids netlink.
  bool open() { return netlink_.open(); }
  /// Brings all() up to date; whether they were asked for anew. Throws as Netlink::dump() does.
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
