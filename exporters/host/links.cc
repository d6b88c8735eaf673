#include "exporters/host/links.h"

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "common/base/text.h"

namespace exporter::host {
namespace {

/// The values of operstate, by the kernel's number (RFC 2863).
constexpr std::string_view kStates[] = {"unknown", "notpresent", "down", "lowerlayerdown",
                                        "testing", "dormant",    "up"};

constexpr auto kRefresh = std::chrono::minutes(1);

/// Skips the kernel's statistics per protocol, the most expensive part of a reply.
struct Request {
  ifinfomsg message{};
  nlattr attribute{.nla_len = sizeof(nlattr) + sizeof(std::uint32_t), .nla_type = IFLA_EXT_MASK};
  std::uint32_t mask = RTEXT_FILTER_SKIP_STATS;
};

/// An address of any length: "02:00:5e:00:53:01".
std::string hexadecimal(std::span<const std::byte> bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    if (!text.empty()) text += ':';
    text += kDigits[value >> 4];
    text += kDigits[value & 15];
  }
  return text;
}

std::string_view state_at(std::span<const std::byte> content) {
  const auto state = struct_at<std::uint8_t>(content);
  return state < std::size(kStates) ? kStates[state] : kStates[0];
}

void take(Link& link, std::uint16_t attribute, std::span<const std::byte> content) {
  switch (attribute) {
    case IFLA_IFNAME: link.name = text_at(content); break;
    case IFLA_ADDRESS: link.address = hexadecimal(content); break;
    case IFLA_BROADCAST: link.broadcast = hexadecimal(content); break;
    case IFLA_IFALIAS: link.alias = trim(text_at(content)); break;
    case IFLA_OPERSTATE: link.state = state_at(content); break;
    case IFLA_LINK: link.link = struct_at<std::uint32_t>(content); break;
    case IFLA_MTU: link.mtu = struct_at<std::uint32_t>(content); break;
    case IFLA_TXQLEN: link.queue_length = struct_at<std::uint32_t>(content); break;
    case IFLA_GROUP: link.group = struct_at<std::uint32_t>(content); break;
    case IFLA_LINKMODE: link.mode = struct_at<std::uint8_t>(content); break;
    case IFLA_CARRIER: link.carrier = struct_at<std::uint8_t>(content); break;
    case IFLA_CARRIER_CHANGES: link.carrier_changes = struct_at<std::uint32_t>(content); break;
    case IFLA_CARRIER_UP_COUNT: link.carrier_ups = struct_at<std::uint32_t>(content); break;
    case IFLA_CARRIER_DOWN_COUNT: link.carrier_downs = struct_at<std::uint32_t>(content); break;
    default: break;
  }
}

Link link_at(std::span<const std::byte> body) {
  const auto message = struct_at<ifinfomsg>(body);
  Link link;
  link.state = kStates[0];
  link.index = message.ifi_index;
  link.link = message.ifi_index;  // unless an attribute names another
  link.type = message.ifi_type;
  for_each_attribute(body.subspan(sizeof message),
                     [&](auto attribute, auto content) { take(link, attribute, content); });
  const bool running = (message.ifi_flags & IFF_UP) != 0;
  if (running) link.dormant = (message.ifi_flags & IFF_DORMANT) != 0 ? 1 : 0;
  if (!running) link.carrier.reset();
  return link;
}

/// Only the arrival of a message matters, so a small buffer is enough.
constexpr int kRoomForNews = 8192;

int hear_of_links() {
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  if (socket < 0) return socket;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kRoomForNews, sizeof kRoomForNews);
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return socket;
  }
  ::close(socket);
  return -1;
}

}  // namespace

std::vector<Link> links(Netlink& netlink) {
  std::vector<Link> links;
  netlink.dump(RTM_GETLINK, Request{}, [&](auto type, auto body) {
    if (type == RTM_NEWLINK && body.size() >= sizeof(ifinfomsg)) links.push_back(link_at(body));
  });
  return links;
}

std::vector<LinkCounters> link_counters(Netlink& netlink) {
  if_stats_msg request{};
  request.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
  std::vector<LinkCounters> all;
  netlink.dump(RTM_GETSTATS, request, [&](auto type, auto body) {
    if (type != RTM_NEWSTATS || body.size() < sizeof(if_stats_msg)) return;
    const auto message = struct_at<if_stats_msg>(body);
    for_each_attribute(body.subspan(sizeof message), [&](auto attribute, auto content) {
      if (attribute != IFLA_STATS_LINK_64) return;
      all.push_back({message.ifindex, struct_at<rtnl_link_stats64>(content)});
    });
  });
  return all;
}

LinkChanges::LinkChanges() : socket_(hear_of_links()) {}

LinkChanges::~LinkChanges() {
  if (socket_ >= 0) ::close(socket_);
}

/// The kernel returns ENOBUFS if there were more messages than fit.
// It consumes them. NOLINTNEXTLINE(readability-make-member-function-const)
bool LinkChanges::any() {
  constexpr int kMost = 1000;
  if (socket_ < 0) return true;
  bool changed = false;
  for (int i = 0; i < kMost; ++i) {
    char unread;
    if (::recv(socket_, &unread, sizeof unread, 0) < 0 && errno != EINTR && errno != ENOBUFS) {
      return changed || errno != EAGAIN;
    }
    changed = true;
  }
  return changed;
}

bool Links::refresh() {
  const bool changed = changes_.any();
  if (asked_ && !changed && Clock::now() - *asked_ < kRefresh) return false;
  asked_.reset();
  all_ = links(netlink_);
  asked_ = Clock::now();
  return true;
}

}  // namespace exporter::host
