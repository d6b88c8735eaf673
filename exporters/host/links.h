#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporters/host/netlink.h"

namespace exporter::host {

/// A network device as netlink tells of it, in the words and numbers of its files below
/// /sys/class/net. Has no value where the file cannot be read: the carrier of a link that is down.
struct Link {
  using Number = std::optional<std::int64_t>;

  std::string name, state, address, broadcast, alias;
  Number index, link, type, mtu, queue_length, group, mode, dormant;
  Number carrier, carrier_changes, carrier_ups, carrier_downs;
};

/// All devices in the network namespace of `netlink` (RTM_GETLINK, rtnetlink(7)), which is of
/// NETLINK_ROUTE. Throws as Netlink::dump() does.
std::vector<Link> links(Netlink& netlink);

}  // namespace exporter::host
