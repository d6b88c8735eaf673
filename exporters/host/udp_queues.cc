#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kQueues =
    gauge("node_udp_queues", "Number of allocated memory in the kernel for UDP datagrams in bytes.",
          "queue", "ip");
constexpr MetricView kMetrics[] = {kQueues};

/// The position of "tx_queue:rx_queue", in hexadecimal, in a line of /proc/net/udp.
constexpr int kQueuesColumn = 4;

class UdpQueues {
 public:
  explicit UdpQueues(const Host& host)
      : proc_(host.proc()), ipv4_(host.network("udp")), ipv6_(host.network("udp6")) {}

  void collect(Samples& samples, const Deadline&) {
    collect(samples, ipv4_, "v4");
    collect(samples, ipv6_, "v6");
  }

 private:
  void collect(Samples& samples, const std::string& path, std::string_view ip) {
    const auto text = proc_.read_filled(path);
    if (!text) return;
    std::uint64_t transmit = 0, receive = 0;
    Lines lines(proc_.path(path), *text);
    std::string_view line;
    lines.next(line);  // the header
    while (lines.next(line)) {
      for (int column = 0; column < kQueuesColumn; ++column) next_word(line);
      auto queues = next_word(line);
      transmit += lines.integer(next_part(queues, ':'), 16);
      receive += lines.integer(queues, 16);
    }
    samples.add(kQueues, static_cast<double>(transmit), "tx", ip);
    samples.add(kQueues, static_cast<double>(receive), "rx", ip);
  }

  Files proc_;
  std::string ipv4_, ipv6_;
};

}  // namespace

extern constinit const Module kUdpQueues{
    "udp_queues", Module::Default::on, kMetrics, {}, make<UdpQueues>};

}  // namespace exporter::host
