// Compares what netlink reports about this machine with its files.

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "exporters/host/addresses.h"
#include "exporters/host/collectors.h"
#include "test_paths.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/exporters/host/own_network.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
namespace fs = std::filesystem;

namespace {

const std::string kNowhere = "/nonexistent";

std::string page_of(const host::Module& module, const std::string& procfs, const std::string& sysfs,
                    const std::map<std::string, std::vector<std::string>>& given = {}) {
  const Settings settings(module.flags, given, nullptr);
  const auto collect =
      collect_of(module, {settings, procfs, sysfs, kNowhere, kNowhere, upstreams()});
  Samples samples;
  collect(samples, Deadline::in(std::chrono::seconds(10)));
  std::string page;
  samples.render(Format::text, page);
  return page;
}

/// The value of a series.
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

/// Writes this machine's socket files as a fixture.
void record_sockets(const fs::path& machine) {
  fs::create_directories(machine / "self/net");
  for (const auto* name : {"tcp", "tcp6"}) {
    const auto source = fs::path("/proc/self/net") / name;
    if (fs::exists(source)) std::ofstream(machine / "self/net" / name) << read_file(source);
  }
}

/// Sets the MTU of the loopback device of this process's network.
void set_mtu(int mtu) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::copy_n("lo", 3, request.ifr_name);
  request.ifr_mtu = mtu;
  ::ioctl(socket, SIOCSIFMTU, &request);
  ::close(socket);
}

/// Calls `same` until it is true, because the machine may change between two readings.
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
  const TemporaryDirectory machine;
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
  // The host's /proc, mounted into a container with the host's network.
  const TemporaryDirectory mounted;
  fs::create_symlink("/proc/self", mounted.path() / "1");
  CHECK(own(mounted.path()));
  // Process 1 is hidden.
  const TemporaryDirectory hidden;
  fs::create_symlink("/proc/self/net", hidden.path() / "net");
  CHECK(own(hidden.path()));
}

TEST_CASE(
    "a file of the network is that of process 1, and where it was not recorded the one that was") {
  const Settings settings({}, {}, nullptr);
  const TemporaryDirectory machine;
  const auto found = [&] {
    return Host{settings, machine.path(), kNowhere, kNowhere, kNowhere, upstreams()}.network("arp");
  };
  const auto record = [&](const char* directory) {
    fs::create_directories(machine.path() / directory);
    std::ofstream(machine.path() / directory / "arp") << "";
  };
  CHECK(found() == "self/net/arp");
  record("net");
  CHECK(found() == "net/arp");
  fs::create_directories(machine.path() / "self/net");
  CHECK(found() == "net/arp");
  fs::create_directories(machine.path() / "1");
  CHECK(found() == "net/arp");
  fs::create_directories(machine.path() / "1/net");
  CHECK(found() == "net/arp");
  fs::remove_all(machine.path() / "net");
  CHECK(found() == "1/net/arp");
  record("self/net");
  CHECK(found() == "self/net/arp");
  record("1/net");
  CHECK(found() == "1/net/arp");
}

TEST_CASE("a network that the kernel shows is one whole, whatever file it lacks") {
  const Settings settings({}, {}, nullptr);
  const TemporaryDirectory machine;
  fs::create_symlink("/proc/self", machine.path() / "1");
  fs::create_directories(machine.path() / "net");
  std::ofstream(machine.path() / "net/unknown") << "";
  const Host host{settings, machine.path(), kNowhere, kNowhere, kNowhere, upstreams()};
  CHECK(host.network("unknown") == "1/net/unknown");
}

TEST_CASE("collectors of the network read what was recorded without process 1") {
  const host::Module* const all[] = {&kArp,      &kConntrack, &kNetdev,  &kNetstat,  &kNfs,
                                     &kSockstat, &kSoftnet,   &kTcpstat, &kUdpQueues};
  const auto* const beside = GENERATE("1", "1/net", "self/net");
  for (const auto* module : all) {
    INFO(module->name << " beside " << beside);
    const auto typical =
        fs::path(SOURCE_DIR) / "tests/fixtures/host" / std::string(module->name) / "typical";
    const TemporaryDirectory machine;
    const auto proc = machine.path() / "proc";
    fs::copy(typical / "proc", proc, fs::copy_options::recursive);
    fs::remove_all(proc / "net");
    fs::rename(proc / "self/net", proc / "net");
    fs::create_directories(proc / beside);
    CHECK(page_of(*module, proc, typical / "sys") == read_file(typical / "expected.prom"));
  }
}

TEST_CASE("connections tracked are counted by whose network it is, not by whose processes") {
  // The host's /proc, mounted into a container with the host's network and its own processes.
  const TemporaryDirectory machine;
  fs::create_symlink("/proc/self", machine.path() / "1");
  fs::create_directories(machine.path() / "sys/net/netfilter");
  std::ofstream(machine.path() / "sys/net/netfilter/nf_conntrack_count") << "17\n";
  CHECK(value_in(page_of(kConntrack, machine.path(), kNowhere), "node_nf_conntrack_entries") ==
        "17");
}

TEST_CASE("a device that changes is asked for and read again, one that does not is not") {
  const auto said = in_own_network([] {
    const TemporaryDirectory machine;
    fs::create_symlink("/proc/self", machine.path() / "1");
    fs::create_directories(machine.path() / "class/net/lo");
    const auto say_flags = [&](const char* flags) {
      std::ofstream(machine.path() / "class/net/lo/flags") << flags << '\n';
    };
    const Settings settings(kNetclass.flags, {}, nullptr);
    const auto collect = collect_of(
        kNetclass, {settings, machine.path(), machine.path(), kNowhere, kNowhere, upstreams()});
    const auto shown = [&] {
      Samples samples;
      collect(samples, Deadline::in(std::chrono::seconds(10)));
      std::string page;
      samples.render(Format::text, page);
      return value_in(page, "node_network_mtu_bytes{device=\"lo\"}") + ' ' +
             value_in(page, "node_network_flags{device=\"lo\"}") + '\n';
    };
    say_flags("0x8");
    auto all = shown();
    say_flags("0x9");  // the kernel reports such a change
    all += shown();
    set_mtu(1280);
    all += shown();
    say_flags("0x8");
    all += shown();
    set_mtu(1500);
    return all + shown();
  });
  if (!said) {
    WARN("no network of one's own here");
    return;
  }
  CHECK(*said == "65536 8\n65536 8\n1280 9\n1280 9\n1500 8\n");
}

TEST_CASE("netlink tells the counters of network devices that /proc/net/dev prints") {
  const auto said = in_own_network([] {
    const TemporaryDirectory machine;
    fs::create_symlink("/proc/self", machine.path() / "1");
    use_loopback();
    const auto by_netlink = page_of(kNetdev, machine.path(), kNowhere);
    const TemporaryDirectory printed;
    fs::create_directories(printed.path() / "self/net");
    std::ofstream(printed.path() / "self/net/dev") << read_file("/proc/self/net/dev");
    fs::create_directories(printed.path() / "class/net/lo/statistics");
    std::ofstream(printed.path() / "class/net/lo/statistics/rx_nohandler") << "0\n";
    const auto by_files = page_of(kNetdev, printed.path(), printed.path());
    const bool used =
        value_in(by_files, "node_network_receive_packets_total{device=\"lo\"}") != "0";
    if (used && by_netlink == by_files) return std::string("same");
    return by_netlink + "-- by files --\n" + by_files;
  });
  if (said) CHECK(*said == "same");
}
