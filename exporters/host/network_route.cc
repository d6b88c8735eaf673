#include <arpa/inet.h>
#include <linux/rtnetlink.h>

#include <array>
#include <map>
#include <utility>

#include "exporters/host/links.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo = info("node_network_route_info", "network routing table information",
                            "device", "src", "dest", "gw", "priority", "proto", "weight");
constexpr auto kRoutes = gauge("node_network_routes", "network routes by interface", "device");
constexpr MetricView kMetrics[] = {kInfo, kRoutes};

/// A router may have a million: beyond this many, only node_network_routes counts them.
constexpr std::size_t kMostShown = 10000;

/// The kernel's RTPROT_* and the names of their daemons (linux/rtnetlink.h).
constexpr std::pair<unsigned char, std::string_view> kProtocols[] = {
    {RTPROT_UNSPEC, "unspec"}, {RTPROT_REDIRECT, "redirect"}, {RTPROT_KERNEL, "kernel"},
    {RTPROT_BOOT, "boot"},     {RTPROT_STATIC, "static"},     {RTPROT_GATED, "gated"},
    {RTPROT_RA, "ra"},         {RTPROT_MRT, "mrt"},           {RTPROT_ZEBRA, "zebra"},
    {RTPROT_BIRD, "bird"},     {RTPROT_DNROUTED, "dnrouted"}, {RTPROT_XORP, "xorp"},
    {RTPROT_NTK, "ntk"},       {RTPROT_DHCP, "dhcp"},         {RTPROT_MROUTED, "mrouted"},
    {RTPROT_BABEL, "babel"},   {RTPROT_BGP, "bgp"},           {RTPROT_ISIS, "isis"},
    {RTPROT_OSPF, "ospf"},     {RTPROT_RIP, "rip"},           {RTPROT_EIGRP, "eigrp"},
};

std::string_view protocol_name(unsigned char protocol) {
  for (const auto& [number, name] : kProtocols) {
    if (number == protocol) return name;
  }
  return "unknown";
}

std::string address_text(int family, std::span<const std::byte> address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.size() != (family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr))) return {};
  ::inet_ntop(family, address.data(), text.data(), text.size());
  return text.data();
}

/// The target of a route: one of several, with a weight, or the only one.
struct Hop {
  int device;
  std::string gateway, weight;
};

/// The hops in RTA_MULTIPATH: struct rtnexthop, each followed by its attributes.
std::vector<Hop> parse_hops(int family, std::span<const std::byte> hops) {
  std::vector<Hop> all;
  while (hops.size() >= sizeof(rtnexthop)) {
    const auto next = struct_at<rtnexthop>(hops);
    if (next.rtnh_len < sizeof next || next.rtnh_len > hops.size()) break;
    Hop hop{next.rtnh_ifindex, "", std::to_string(next.rtnh_hops + 1)};
    for_each_attribute(hops.subspan(sizeof next, next.rtnh_len - sizeof next),
                       [&](auto type, auto content) {
                         if (type == RTA_GATEWAY) hop.gateway = address_text(family, content);
                       });
    all.push_back(std::move(hop));
    hops = hops.subspan(std::min<std::size_t>(RTNH_ALIGN(next.rtnh_len), hops.size()));
  }
  return all;
}

class NetworkRoute {
 public:
  explicit NetworkRoute(const Host& host) : is_own_(host.own_network()) {}

  void collect(Samples& samples, const Deadline&) {
    if (!is_own_ || !links_.open()) return;
    links_.refresh();
    names_.clear();
    counts_.clear();
    shown_ = 0;
    for (const auto& link : links_.all()) {
      names_[static_cast<int>(link.index.value_or(0))] = link.name;
    }
    links_.netlink().dump(RTM_GETROUTE, rtmsg{}, [&](auto type, auto body) {
      const auto route = struct_at<rtmsg>(body);
      if (type != RTM_NEWROUTE || body.size() < sizeof route || route.rtm_type != RTN_UNICAST) {
        return;
      }
      add(samples, route, body.subspan(sizeof route));
    });
    for (const auto& [device, count] : counts_) samples.add(kRoutes, count, device);
  }

 private:
  void add(Samples& samples, const rtmsg& route, std::span<const std::byte> attributes) {
    std::string source, destination = "default";
    std::uint32_t priority = 0;
    Hop only{};
    std::vector<Hop> hops;
    for_each_attribute(attributes, [&](auto type, auto content) {
      const auto address = [&] { return address_text(route.rtm_family, content); };
      if (type == RTA_PREFSRC) source = address();
      if (type == RTA_GATEWAY) only.gateway = address();
      if (type == RTA_OIF) only.device = struct_at<int>(content);
      if (type == RTA_PRIORITY) priority = struct_at<std::uint32_t>(content);
      if (type == RTA_MULTIPATH) hops = parse_hops(route.rtm_family, content);
      if (type == RTA_DST && route.rtm_dst_len > 0) {
        destination = address() + '/' + std::to_string(route.rtm_dst_len);
      }
    });
    if (hops.empty()) hops.push_back(only);
    for (const auto& hop : hops) {
      const auto& device = names_[hop.device];
      ++counts_[device];
      if (++shown_ > kMostShown) {
        samples.count_dropped(1);
        continue;
      }
      samples.add(kInfo, 1, device, source, destination, hop.gateway, std::to_string(priority),
                  protocol_name(route.rtm_protocol), hop.weight);
    }
  }

  bool is_own_;
  Links links_;
  std::map<int, std::string> names_;
  std::map<std::string, double> counts_;
  std::size_t shown_ = 0;
};

}  // namespace

extern constinit const Module kNetworkRoute{
    "network_route", Module::Default::off, kMetrics, {}, make<NetworkRoute>};

}  // namespace exporter::host
