#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kTotal =
    counter("node_softirqs_functions_total", "Softirq counts per CPU.", "cpu", "type");
constexpr MetricView kMetrics[] = {kTotal};

class Softirqs {
 public:
  explicit Softirqs(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("softirqs");
    if (!text) return;
    Lines lines(proc_.path("softirqs"), *text);
    std::string_view cpus;
    lines.next(cpus);
    for (std::string_view line; lines.next(line);) {
      auto header = cpus;
      const auto type = next_part(line, ':');
      for (auto cpu = next_word(header); !cpu.empty(); cpu = next_word(header)) {
        if (!cpu.starts_with("CPU")) lines.fail("expected CPUs in the first line");
        samples.add(kTotal, lines.number(next_word(line)), cpu.substr(3), trim(type));
      }
    }
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kSoftirqs{
    "softirqs", Module::Default::off, kMetrics, {}, make<Softirqs>};

}  // namespace exporter::host
