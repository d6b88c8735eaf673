#include "exporters/host/addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

#include "common/base/error.h"

namespace exporter::host {
namespace {

std::string_view scope(const in_addr& in) {
  const auto address = ntohl(in.s_addr);
  if (address >> 24 == IN_LOOPBACKNET) return "link-local";
  if (address >> 16 == 0xa9fe || address >> 8 == 0xe00000) return "link-local";
  if (IN_MULTICAST(address) || address == INADDR_ANY || address == INADDR_BROADCAST) return "";
  return "global";
}

std::string_view scope(const in6_addr& in) {
  if (IN6_IS_ADDR_LOOPBACK(&in) || IN6_IS_ADDR_LINKLOCAL(&in) || IN6_IS_ADDR_MC_LINKLOCAL(&in)) {
    return "link-local";
  }
  if (IN6_IS_ADDR_MC_NODELOCAL(&in)) return "interface-local";
  if (IN6_IS_ADDR_MULTICAST(&in) || IN6_IS_ADDR_UNSPECIFIED(&in)) return "";
  return "global";
}

/// The address in a socket address of one family; `member` is its field there.
template <class Socket, class In>
Address read(const ifaddrs& entry, int family, In Socket::*member) {
  Socket socket{}, mask{};
  std::memcpy(&socket, entry.ifa_addr, sizeof socket);
  if (entry.ifa_netmask != nullptr) std::memcpy(&mask, entry.ifa_netmask, sizeof mask);
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, &(socket.*member), text.data(), text.size());
  int length = 0;
  for (const auto byte : std::as_bytes(std::span(&(mask.*member), 1))) {
    length += std::popcount(std::to_integer<unsigned>(byte));
  }
  // An IPv4 address may have its own label, "eth0:1".
  const std::string_view name = entry.ifa_name;
  return {std::string(name.substr(0, name.find(':'))), text.data(), length, scope(socket.*member)};
}

}  // namespace

std::vector<Address> addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) throw io_error("getifaddrs", errno);
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, ::freeifaddrs);
  std::vector<Address> found;
  for (const auto* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family == AF_INET) found.push_back(read(*entry, family, &sockaddr_in::sin_addr));
    if (family == AF_INET6) found.push_back(read(*entry, family, &sockaddr_in6::sin6_addr));
  }
  return found;
}

}  // namespace exporter::host
