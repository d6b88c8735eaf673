#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kRunning = counter("node_schedstat_running_seconds_total",
                                  "Number of seconds CPU spent running a process.", "cpu");
constexpr auto kWaiting =
    counter("node_schedstat_waiting_seconds_total",
            "Number of seconds spent by processing waiting for this CPU.", "cpu");
constexpr auto kTimeslices =
    counter("node_schedstat_timeslices_total", "Number of timeslices executed by CPU.", "cpu");
constexpr MetricView kMetrics[] = {kRunning, kWaiting, kTimeslices};

constexpr double kNanosecondsPerSecond = 1e9;

class Schedstat {
 public:
  explicit Schedstat(const Host& host) : proc_(host.proc()) {}

  /// Columns 7 to 9 of a cpu line (Documentation/scheduler/sched-stats.rst).
  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("schedstat");
    if (!text) return;
    Lines lines(proc_.path("schedstat"), *text);
    for (std::string_view line; lines.next(line);) {
      auto cpu = next_word(line);
      if (!cpu.starts_with("cpu")) continue;
      cpu.remove_prefix(3);
      lines.integer(cpu);
      for (int column = 1; column < 7; ++column) next_word(line);
      samples.add(kRunning, lines.number(next_word(line)) / kNanosecondsPerSecond, cpu);
      samples.add(kWaiting, lines.number(next_word(line)) / kNanosecondsPerSecond, cpu);
      samples.add(kTimeslices, lines.number(next_word(line)), cpu);
    }
    if (samples.size() == 0) lines.fail("no CPU");
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kSchedstat{
    "schedstat", Module::Default::on, kMetrics, {}, make<Schedstat>};

}  // namespace exporter::host
