#include "exporters/host/ethtool_socket.h"

#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>

namespace exporter::host {
namespace {

/// Drivers have some hundred statistics; with a thousand queues, some ten thousand.
constexpr std::uint32_t kMostStatistics = 100000;

/// A request that ends in an array. The kernel fills in as many elements as there currently are,
/// whatever the request says, so there is room for more than twice the `count`.
template <class Question>
std::vector<std::uint64_t> with_room(std::uint32_t command, std::uint32_t count,
                                     std::size_t element, auto set) {
  std::vector<std::uint64_t> room((sizeof(Question) + (2 * count + 1024) * element) /
                                  sizeof(std::uint64_t));
  Question question{};
  question.cmd = command;
  set(question);
  std::memcpy(room.data(), &question, sizeof question);
  return room;
}

}  // namespace

EthtoolSocket::EthtoolSocket() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

EthtoolSocket::~EthtoolSocket() {
  if (socket_ >= 0) ::close(socket_);
}

bool EthtoolSocket::ask(const std::string& device, void* question) const {
  ifreq request{};
  if (socket_ < 0 || device.size() >= sizeof request.ifr_name) return false;
  std::copy(device.begin(), device.end(), request.ifr_name);
  request.ifr_data = static_cast<char*>(question);
  return ::ioctl(socket_, SIOCETHTOOL, &request) == 0;
}

std::optional<ethtool_cmd> EthtoolSocket::link(const std::string& device) const {
  ethtool_cmd question{};
  question.cmd = ETHTOOL_GSET;
  if (!ask(device, &question)) return std::nullopt;
  return question;
}

std::optional<ethtool_drvinfo> EthtoolSocket::driver(const std::string& device) const {
  ethtool_drvinfo question{};
  question.cmd = ETHTOOL_GDRVINFO;
  if (!ask(device, &question)) return std::nullopt;
  return question;
}

EthtoolSocket::Statistics EthtoolSocket::statistics(const std::string& device,
                                                    std::uint32_t count) const {
  if (count == 0 || count > kMostStatistics) return {};
  auto names = with_room<ethtool_gstrings>(ETHTOOL_GSTRINGS, count, ETH_GSTRING_LEN, [&](auto& q) {
    q.string_set = ETH_SS_STATS;
    q.len = count;
  });
  auto values = with_room<ethtool_stats>(ETHTOOL_GSTATS, count, sizeof(std::uint64_t),
                                         [&](auto& q) { q.n_stats = count; });
  if (!ask(device, names.data()) || !ask(device, values.data())) return {};
  ethtool_gstrings named{};
  ethtool_stats counted{};
  std::memcpy(&named, names.data(), sizeof named);
  std::memcpy(&counted, values.data(), sizeof counted);
  if (named.len != count || counted.n_stats != count) return {};
  Statistics all;
  const auto* name = reinterpret_cast<const char*>(names.data()) + sizeof(ethtool_gstrings);
  for (std::uint32_t i = 0; i < count; ++i, name += ETH_GSTRING_LEN) {
    const std::string_view text(name, ETH_GSTRING_LEN);
    all.emplace_back(text.substr(0, text.find('\0')),
                     values[sizeof(ethtool_stats) / sizeof(std::uint64_t) + i]);
  }
  return all;
}

}  // namespace exporter::host
