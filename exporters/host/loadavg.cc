#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kLoad1 = gauge("node_load1", "1m load average.");
constexpr auto kLoad5 = gauge("node_load5", "5m load average.");
constexpr auto kLoad15 = gauge("node_load15", "15m load average.");
constexpr MetricView kMetrics[] = {kLoad1, kLoad5, kLoad15};

class Loadavg {
 public:
  explicit Loadavg(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("loadavg");
    if (!text) return;
    Lines lines(proc_.path("loadavg"), *text);
    std::string_view line;
    lines.next(line);
    samples.add(kLoad1, lines.number(next_word(line)));
    samples.add(kLoad5, lines.number(next_word(line)));
    samples.add(kLoad15, lines.number(next_word(line)));
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kLoadavg{"loadavg", Module::Default::on, kMetrics, {}, make<Loadavg>};

}  // namespace exporter::host
