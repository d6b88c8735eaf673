#include <unistd.h>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr MetricView kMetrics[] = {
    {MetricType::gauge,
     "node_sockstat_<field>",
     "A number of /proc/net/sockstat and sockstat6.",
     {}},
};

class Sockstat {
 public:
  explicit Sockstat(const Host& host)
      : proc_(host.proc()), ipv4_(host.network("sockstat")), ipv6_(host.network("sockstat6")) {}

  void collect(Samples& samples, const Deadline&) {
    collect(samples, ipv4_);
    collect(samples, ipv6_);
  }

 private:
  void collect(Samples& samples, const std::string& path) {
    const auto text = proc_.read_filled(path);
    Lines lines(proc_.path(path), text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      auto protocol = next_word(line);
      if (!protocol.ends_with(':')) lines.fail("expected a protocol and a colon");
      protocol.remove_suffix(1);
      while (!line.empty()) {
        const auto state = next_word(line);
        if (state.empty()) break;
        const auto value = lines.number(next_word(line));
        add(samples, protocol, state, value);
        if (state == "mem") add(samples, protocol, "mem_bytes", value * page_size_);
      }
    }
  }

  static void add(Samples& samples, std::string_view protocol, std::string_view state,
                  double value) {
    const std::string of(protocol), in(state);
    const auto help = protocol == "sockets" ? "Number of IPv4 sockets in use."
                                            : "Number of " + of + " sockets in state " + in + '.';
    samples.add_named(MetricType::gauge, "node_sockstat_" + of + '_' + in, help, value);
  }

  Files proc_;
  std::string ipv4_, ipv6_;
  double page_size_ = static_cast<double>(::sysconf(_SC_PAGESIZE));
};

}  // namespace

extern constinit const Module kSockstat{
    "sockstat", Module::Default::on, kMetrics, {}, make<Sockstat>};

}  // namespace exporter::host
