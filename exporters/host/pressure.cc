#include "exporters/host/module.h"

namespace exporter::host {
namespace {

/// A line of a file in /proc/pressure: "some" when at least one task waited, "full" when all did.
struct Stall {
  std::string_view file, line;
  Metric<0> metric;
};

constexpr Stall kStalls[] = {
    {"pressure/cpu", "some",
     counter("node_pressure_cpu_waiting_seconds_total",
             "Total time in seconds that processes have waited for CPU time")},
    {"pressure/io", "some",
     counter("node_pressure_io_waiting_seconds_total",
             "Total time in seconds that processes have waited due to IO congestion")},
    {"pressure/io", "full",
     counter("node_pressure_io_stalled_seconds_total",
             "Total time in seconds no process could make progress due to IO congestion")},
    {"pressure/memory", "some",
     counter("node_pressure_memory_waiting_seconds_total",
             "Total time in seconds that processes have waited for memory")},
    {"pressure/memory", "full",
     counter("node_pressure_memory_stalled_seconds_total",
             "Total time in seconds no process could make progress due to memory congestion")},
    {"pressure/irq", "full",
     counter("node_pressure_irq_stalled_seconds_total",
             "Total time in seconds no process could make progress due to IRQ congestion")},
};
constexpr auto kMetrics = families(kStalls);

class Pressure {
 public:
  explicit Pressure(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const std::string_view file :
         {"pressure/cpu", "pressure/io", "pressure/memory", "pressure/irq"}) {
      if (const auto text = proc_.read_filled(file)) add_stalls(samples, file, *text);
    }
  }

 private:
  void add_stalls(Samples& samples, std::string_view file, std::string_view text) const {
    Lines lines(proc_.path(file), text);
    const auto before = samples.size();
    for (std::string_view line; lines.next(line);) {
      const auto kind = next_word(line);
      for (const auto& stall : kStalls) {
        if (stall.file == file && stall.line == kind) {
          samples.add(stall.metric, total_microseconds(lines, line) / 1000.0 / 1000.0);
        }
      }
    }
    if (samples.size() == before) lines.fail("neither \"some\" nor \"full\"");
  }

  static double total_microseconds(const Lines& lines, std::string_view line) {
    constexpr std::string_view kTotal = "total=";
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      if (word.starts_with(kTotal)) return lines.number(word.substr(kTotal.size()));
    }
    lines.fail("the total is missing");
  }

  Files proc_;
};

}  // namespace

extern constinit const Module kPressure{
    "pressure", Module::Default::on, kMetrics, {}, make<Pressure>};

}  // namespace exporter::host
