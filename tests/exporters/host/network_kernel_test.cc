// Queues, routes and drivers of network devices, which the kernel reports only by sockets.

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>

#include "exporters/host/collectors.h"
#include "exporters/host/ethtool_page.h"
#include "test_paths.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/exporters/host/own_network.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;

namespace {

std::string page_of(const host::Module& module, const std::string& procfs,
                    const std::map<std::string, std::vector<std::string>>& given = {}) {
  const Settings settings(module.flags, given, nullptr);
  const auto collect =
      collect_of(module, {settings, procfs, "/sys", "/nonexistent", "/nonexistent", upstreams()});
  Samples samples;
  collect(samples, Deadline::in(std::chrono::seconds(10)));
  std::string page;
  samples.render(Format::text, page);
  return page;
}

bool has(const std::string& page, const std::string& line) {
  return page.find('\n' + line + '\n') != std::string::npos;
}

/// Adds a queue to the loopback device of this process's network.
void queue_loopback() {
  struct {
    nlmsghdr header{};
    tcmsg message{};
    rtattr kind{};
    char name[8] = "pfifo";
  } request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_NEWQDISC;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
  request.message.tcm_ifindex = static_cast<int>(::if_nametoindex("lo"));
  request.message.tcm_parent = TC_H_ROOT;
  request.message.tcm_handle = 1U << 16U;
  request.kind = {sizeof request.kind + sizeof request.name, TCA_KIND};
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  ::send(socket, &request, sizeof request, 0);
  std::array<char, 4096> answer{};
  ::recv(socket, answer.data(), answer.size(), 0);
  ::close(socket);
}

/// Routes 192.0.2.0/24 to the loopback device of this process's network.
void route_by_loopback() {
  rtentry route{};
  const auto set = [](sockaddr& to, std::uint32_t address) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = ::htonl(address);
    std::memcpy(&to, &in, sizeof in);
  };
  char device[] = "lo";
  set(route.rt_dst, 0xC0000200);
  set(route.rt_genmask, 0xFFFFFF00);
  route.rt_flags = RTF_UP;
  route.rt_metric = 8;  // one more than the priority
  route.rt_dev = device;
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ::ioctl(socket, SIOCADDRT, &route);
  ::close(socket);
}

ethtool_cmd a_link() {
  ethtool_cmd link{};
  link.supported = 1U << ETHTOOL_LINK_MODE_1000baseT_Full_BIT |
                   1U << ETHTOOL_LINK_MODE_10000baseT_Full_BIT | 1U << ETHTOOL_LINK_MODE_TP_BIT |
                   1U << ETHTOOL_LINK_MODE_Autoneg_BIT | 1U << ETHTOOL_LINK_MODE_Pause_BIT;
  link.advertising = 1U << ETHTOOL_LINK_MODE_100baseT_Half_BIT |
                     1U << ETHTOOL_LINK_MODE_Asym_Pause_BIT |
                     1U << ETHTOOL_LINK_MODE_25000baseCR_Full_BIT;
  link.autoneg = 1;
  return link;
}

std::string rendered(const Samples& samples) {
  std::string page;
  samples.render(Format::text, page);
  return page;
}

}  // namespace

TEST_CASE("a queueing discipline counts what it sends") {
  const auto page = in_own_network([] {
    queue_loopback();
    use_loopback();
    return page_of(kQdisc, "/proc");
  });
  if (!page) return;
  INFO(*page);
  CHECK(page->find("\nnode_qdisc_packets_total{device=\"lo\",kind=\"pfifo\"} 0\n") == page->npos);
  CHECK(page->find("\nnode_qdisc_packets_total{device=\"lo\",kind=\"pfifo\"} ") != page->npos);
  CHECK(page->find("\nnode_qdisc_bytes_total{device=\"lo\",kind=\"pfifo\"} 0\n") == page->npos);
  CHECK(has(*page, "node_qdisc_drops_total{device=\"lo\",kind=\"pfifo\"} 0"));
  CHECK(has(*page, "node_qdisc_current_queue_length{device=\"lo\",kind=\"pfifo\"} 0"));
}

TEST_CASE("queueing disciplines of devices that the filter leaves out are not shown") {
  const auto page = in_own_network([] {
    queue_loopback();
    return page_of(kQdisc, "/proc", {{"collector.qdisc.device-exclude", {"^lo$"}}}) + "said";
  });
  if (page) CHECK(*page == "said");
}

TEST_CASE("a route is shown with the device that it leads to") {
  const auto page = in_own_network([] {
    use_loopback();
    route_by_loopback();
    return page_of(kNetworkRoute, "/proc");
  });
  if (!page) return;
  INFO(*page);
  CHECK(has(*page,
            "node_network_route_info{device=\"lo\",src=\"\",dest=\"192.0.2.0/24\",gw=\"\","
            "priority=\"7\",proto=\"boot\",weight=\"\"} 1"));
  CHECK(has(*page, "node_network_routes{device=\"lo\"} 1"));
}

TEST_CASE("of a network that is not this process's own the kernel is not asked") {
  const std::string recorded = SOURCE_DIR "/tests/fixtures/host/netdev/container/proc";
  for (const auto* module : {&kQdisc, &kNetworkRoute, &kEthtool}) {
    CHECK(page_of(*module, recorded).empty());
  }
}

TEST_CASE("what a link can do and what it offers are told by mode") {
  Samples samples;
  ethtool::add_link(samples, "eth0", a_link());
  const auto page = rendered(samples);
  INFO(page);
  const auto speed = [](const std::string& name, const std::string& duplex,
                        const std::string& mode) {
    return "node_network_" + name + "_speed_bytes{device=\"eth0\",duplex=\"" + duplex +
           "\",mode=\"" + mode + "\"} ";
  };
  CHECK(has(page, speed("supported", "full", "1000baseT") + "1.25e+08"));
  CHECK(has(page, speed("supported", "full", "10000baseT") + "1.25e+09"));
  CHECK(has(page, speed("advertised", "half", "100baseT") + "12500000"));
  CHECK(has(page, speed("advertised", "full", "25000baseCR") + "3.125e+09"));
  CHECK(has(page, "node_network_supported_port_info{device=\"eth0\",type=\"TP\"} 1"));
  CHECK(has(page, "node_network_autonegotiate_supported{device=\"eth0\"} 1"));
  CHECK(has(page, "node_network_autonegotiate_advertised{device=\"eth0\"} 0"));
  CHECK(has(page, "node_network_pause_supported{device=\"eth0\"} 1"));
  CHECK(has(page, "node_network_asymmetricpause_advertised{device=\"eth0\"} 1"));
  CHECK(has(page, "node_network_autonegotiate{device=\"eth0\"} 1"));
  CHECK(samples.size() == 12);
}

TEST_CASE("a driver's statistics are named as node_exporter names them") {
  const Flag flag{"include", "", "Statistics."};
  const Settings settings(std::span(&flag, 1), {{"include", {"rx|tx|queue|Good"}}}, nullptr);
  Samples samples;
  ethtool::add_statistics(samples, "eth0",
                          {{"rx_bytes", 7},
                           {"tx_queue_0_packets", 8},
                           {"rx-broadcast", 9},
                           {"_GoodFrames", 10},
                           {"queue a", 11},
                           {"queue.a", 12},
                           {"alignment", 13},
                           {"tx_tx_rx_timeouts", 14}},
                          Filter(settings, "include", ""));
  CHECK(rendered(samples) ==
        "# HELP node_ethtool_goodframes Network interface _GoodFrames\n"
        "# TYPE node_ethtool_goodframes untyped\n"
        "node_ethtool_goodframes{device=\"eth0\"} 10\n"
        "# HELP node_ethtool_received_broadcast Network interface rx_broadcast\n"
        "# TYPE node_ethtool_received_broadcast untyped\n"
        "node_ethtool_received_broadcast{device=\"eth0\"} 9\n"
        "# HELP node_ethtool_received_bytes_total Network interface bytes received\n"
        "# TYPE node_ethtool_received_bytes_total untyped\n"
        "node_ethtool_received_bytes_total{device=\"eth0\"} 7\n"
        "# HELP node_ethtool_transmitted_queue_0_packets Network interface tx_queue_0_packets\n"
        "# TYPE node_ethtool_transmitted_queue_0_packets untyped\n"
        "node_ethtool_transmitted_queue_0_packets{device=\"eth0\"} 8\n"
        "# HELP node_ethtool_transmitted_tx_received_timeouts Network interface tx_tx_rx_timeouts\n"
        "# TYPE node_ethtool_transmitted_tx_received_timeouts untyped\n"
        "node_ethtool_transmitted_tx_received_timeouts{device=\"eth0\"} 14\n");
}

TEST_CASE("a driver is told by name, and a device that does not exist has none") {
  ethtool_drvinfo driver{};
  std::strcpy(driver.driver, "ixgbe");
  std::strcpy(driver.version, "6.1.0");
  std::strcpy(driver.fw_version, "0x800003e7");
  std::fill(std::begin(driver.bus_info), std::end(driver.bus_info), 'x');
  Samples samples;
  ethtool::add_driver(samples, "eth0", driver);
  CHECK(has(rendered(samples), "node_ethtool_info{bus_info=\"" +
                                   std::string(sizeof driver.bus_info, 'x') +
                                   "\",device=\"eth0\",driver=\"ixgbe\",expansion_rom_version=\"\","
                                   "firmware_version=\"0x800003e7\",version=\"6.1.0\"} 1"));
  const EthtoolSocket socket;
  CHECK_FALSE(socket.driver("nosuchdevice"));
  CHECK_FALSE(socket.link("a name that is too long for a device"));
  CHECK(socket.statistics("nosuchdevice", 3).empty());
}
