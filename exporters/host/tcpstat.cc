#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "exporters/host/module.h"
#include "exporters/host/netlink.h"

namespace exporter::host {
namespace {

constexpr auto kConnections =
    gauge("node_tcp_connection_states", "Number of connection states.", "state");
constexpr MetricView kMetrics[] = {kConnections};

/// By the kernel's number (include/net/tcp_states.h); 0 is unused.
constexpr std::string_view kStates[] = {"unknown",    "established", "syn_sent",  "syn_recv",
                                        "fin_wait1",  "fin_wait2",   "time_wait", "close",
                                        "close_wait", "last_ack",    "listen",    "closing"};
constexpr std::uint32_t kAllStates = (1u << std::size(kStates)) - 1;

/// The sockets in each state, and the bytes in their queues.
struct Sums {
  std::array<double, std::size(kStates)> sockets{};
  double received = 0, to_transmit = 0;

  void add(std::uint64_t state, double receive_queue, double transmit_queue) {
    sockets[state < sockets.size() ? state : 0] += 1;
    received += receive_queue;
    to_transmit += transmit_queue;
  }
};

class Tcpstat {
 public:
  explicit Tcpstat(const Host& host)
      : proc_(host.proc()),
        ipv4_(host.network("tcp")),
        ipv6_(host.network("tcp6")),
        by_netlink_(host.own_network() && netlink_.open()) {}

  void collect(Samples& samples, const Deadline&) {
    Sums sums;
    if (by_netlink_) {
      ask(sums, AF_INET);
      if (proc_.exists(ipv6_)) ask(sums, AF_INET6);
    } else {
      const bool has_ipv4 = read(sums, ipv4_), has_ipv6 = read(sums, ipv6_);
      if (!has_ipv4 && !has_ipv6) return;
    }
    for (std::size_t state = 1; state < std::size(kStates); ++state) {
      samples.add(kConnections, sums.sockets[state], kStates[state]);
    }
    if (sums.sockets[0] > 0) samples.add(kConnections, sums.sockets[0], kStates[0]);
    samples.add(kConnections, sums.received, "rx_queued_bytes");
    samples.add(kConnections, sums.to_transmit, "tx_queued_bytes");
  }

 private:
  void ask(Sums& sums, std::uint8_t family) {
    inet_diag_req_v2 request{};
    request.sdiag_family = family;
    request.sdiag_protocol = IPPROTO_TCP;
    request.idiag_states = kAllStates;
    netlink_.dump(SOCK_DIAG_BY_FAMILY, request, [&](auto, auto body) {
      const auto socket = struct_at<inet_diag_msg>(body);
      sums.add(socket.idiag_state, socket.idiag_rqueue, socket.idiag_wqueue);
    });
  }

  /// A line is "0: 0100007F:4A9C 00000000:0000 0A 00000000:00000001 ...": the state, and the bytes
  /// in the transmit and receive queues.
  bool read(Sums& sums, const std::string& path) {
    const auto text = proc_.read_filled(path);
    if (!text) return false;
    Lines lines(proc_.path(path), *text);
    std::string_view line;
    lines.next(line);  // the header
    while (lines.next(line)) {
      for (int column = 0; column < kStateColumn; ++column) next_word(line);
      const auto state = lines.integer(next_word(line), 16);
      auto queues = next_word(line);
      const auto transmit = lines.integer(next_part(queues, ':'), 16);
      sums.add(state, static_cast<double>(lines.integer(queues, 16)),
               static_cast<double>(transmit));
    }
    return true;
  }

  static constexpr int kStateColumn = 3;

  Netlink netlink_{NETLINK_SOCK_DIAG};
  Files proc_;
  std::string ipv4_, ipv6_;
  bool by_netlink_;
};

}  // namespace

extern constinit const Module kTcpstat{
    "tcpstat", Module::Default::off, kMetrics, {}, make<Tcpstat>};

}  // namespace exporter::host
