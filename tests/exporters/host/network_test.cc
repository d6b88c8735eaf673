// What netlink tells of this machine, beside what its files say.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "exporters/host/addresses.h"
#include "exporters/host/collectors.h"
#include "tests/support/upstreams.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_folder.h"

using namespace exporter;
using namespace exporter::host;
namespace fs = std::filesystem;

namespace {

const std::string kNowhere = "/nonexistent";

std::string page_of(const Module& module, const std::string& procfs, const std::string& sysfs,
                    const std::map<std::string, std::vector<std::string>>& given = {}) {
  const Settings settings(module.flags, given, nullptr);
  const auto collect = module.make({settings, procfs, sysfs, kNowhere, kNowhere, upstreams()});
  Samples samples;
  collect(samples, Deadline::in(std::chrono::seconds(10)));
  std::string page;
  samples.render(Format::text, page);
  return page;
}

/// The value of that line of a page.
std::string value_in(const std::string& page, const std::string& series) {
  const auto at = page.find('\n' + series + ' ');
  REQUIRE(at != std::string::npos);
  const auto begin = at + series.size() + 2;
  return page.substr(begin, page.find('\n', begin) - begin);
}

/// A TCP socket that listens on a free port of loopback.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    const auto* any = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(::bind(socket_, any, sizeof address) == 0);
    REQUIRE(::listen(socket_, 1) == 0);
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  int socket_;
};

/// Makes a recorded machine of this one's sockets.
void record_sockets(const fs::path& machine) {
  fs::create_directories(machine / "self/net");
  for (const auto* name : {"tcp", "tcp6"}) {
    const auto source = fs::path("/proc/self/net") / name;
    if (fs::exists(source)) std::ofstream(machine / "self/net" / name) << read_file(source);
  }
}

/// Calls `same` until it is true; the machine may change between two readings, but not always.
template <class Same>
bool once_in(int attempts, Same same) {
  for (int i = 0; i < attempts; ++i) {
    if (same()) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("netlink tells of network devices what their files say") {
  const auto told = page_of(kNetclass, "/proc", "/sys");
  CHECK(value_in(told, "node_network_mtu_bytes{device=\"lo\"}") == "65536");
  std::string by_netlink, by_files;
  once_in(20, [&] {
    by_netlink = page_of(kNetclass, "/proc", "/sys");
    by_files = page_of(kNetclass, kNowhere, "/sys");
    const auto sorted = [](std::string& page) {
      std::vector<std::string> lines;
      for (std::string_view rest = page; !rest.empty();) lines.emplace_back(next_part(rest, '\n'));
      std::sort(lines.begin(), lines.end());
      page.clear();
      for (const auto& line : lines) page += line + '\n';
    };
    sorted(by_netlink);
    sorted(by_files);
    return by_netlink == by_files;
  });
  CHECK(by_netlink == by_files);
}

TEST_CASE("netlink tells of the TCP sockets that the files list") {
  const std::string listening = "node_tcp_connection_states{state=\"listen\"}";
  const auto before = std::stoi(value_in(page_of(kTcpstat, "/proc", kNowhere), listening));
  const Listener first, second, third;
  const TemporaryFolder machine;
  std::string by_netlink, by_files;
  const bool same = once_in(100, [&] {
    record_sockets(machine.path());
    by_netlink = value_in(page_of(kTcpstat, "/proc", kNowhere), listening);
    by_files = value_in(page_of(kTcpstat, machine.path(), kNowhere), listening);
    return by_netlink == by_files && std::stoi(by_netlink) >= 3;
  });
  INFO(before << " before, " << by_netlink << " by netlink, " << by_files << " by files");
  CHECK(same);
}

TEST_CASE(
    "addresses are listed with their prefix and scope, for the devices that the filter takes") {
  const std::map<std::string, std::vector<std::string>> flags = {
      {"collector.netdev.address-info", {"true"}}, {"collector.netdev.device-include", {"^lo$"}}};
  const auto page = page_of(kNetdev, "/proc", "/sys", flags);
  CHECK(value_in(page,
                 "node_network_address_info{device=\"lo\",address=\"127.0.0.1\","
                 "netmask=\"8\",scope=\"link-local\"}") == "1");
  for (const auto& address : addresses()) {
    if (address.device != "lo") CHECK(page.find(address.address + '"') == std::string::npos);
  }
}

TEST_CASE("only the /proc of this process's network tells of its own network") {
  const Settings settings({}, {}, nullptr);
  const auto own = [&](const std::string& procfs) {
    return Host{settings, procfs, kNowhere, kNowhere, kNowhere, upstreams()}.own_network();
  };
  CHECK(own("/proc"));
  CHECK_FALSE(own(kNowhere));
  CHECK_FALSE(own(std::string(SOURCE_DIR) + "/tests/fixtures/host/netdev/container/proc"));
  // The host's /proc as a container sees it, with the host's network.
  const TemporaryFolder mounted;
  fs::create_symlink("/proc/self", mounted.path() / "1");
  CHECK(own(mounted.path()));
}
