#include "exporters/host/module.h"

namespace exporter::host {
namespace {

struct Field {
  std::string_view key;
  MetricView metric;
};

constexpr auto kInterrupts = counter("node_intr_total", "Total number of interrupts serviced.");
constexpr auto kContextSwitches =
    counter("node_context_switches_total", "Total number of context switches.");
constexpr auto kForks = counter("node_forks_total", "Total number of forks.");
constexpr auto kBootTime = gauge("node_boot_time_seconds", "Node boot time, in unixtime.");
constexpr auto kRunning = gauge("node_procs_running", "Number of processes in runnable state.");
constexpr auto kBlocked =
    gauge("node_procs_blocked", "Number of processes blocked waiting for I/O to complete.");
constexpr auto kSoftirqs = counter("node_softirqs_total", "Number of softirq calls.", "vector");
constexpr MetricView kMetrics[] = {kInterrupts, kContextSwitches, kForks,   kBootTime,
                                   kRunning,    kBlocked,         kSoftirqs};

constexpr Field kFields[] = {
    {"intr", kInterrupts}, {"ctxt", kContextSwitches},  {"processes", kForks},
    {"btime", kBootTime},  {"procs_running", kRunning}, {"procs_blocked", kBlocked},
};

/// The columns of the softirq line after the total (kernel/softirq.c).
constexpr std::string_view kVectors[] = {"hi",           "timer",   "net_tx", "net_rx",  "block",
                                         "block_iopoll", "tasklet", "sched",  "hrtimer", "rcu"};

constexpr Flag kFlags[] = {
    {"collector.stat.softirq", "false", "Export softirq calls per vector.", Flag::Kind::boolean}};

class Stat {
 public:
  explicit Stat(const Host& host)
      : proc_(host.proc()), softirqs_(host.settings.enabled("collector.stat.softirq")) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("stat");
    if (!text) return;
    Lines lines(proc_.path("stat"), *text);
    for (std::string_view line; lines.next(line);) {
      const auto key = next_word(line);
      for (const auto& field : kFields) {
        if (key == field.key) samples.add(field.metric, lines.number(next_word(line)), {});
      }
      if (key == "softirq" && softirqs_) add_softirqs(samples, lines, line);
    }
    if (samples.size() == 0) lines.fail("none of the expected counts");
  }

 private:
  static void add_softirqs(Samples& samples, const Lines& lines, std::string_view counts) {
    next_word(counts);  // the total
    for (const auto vector : kVectors) {
      samples.add(kSoftirqs, lines.number(next_word(counts)), vector);
    }
  }

  Files proc_;
  bool softirqs_;
};

}  // namespace

extern constinit const Module kStat{"stat", Module::Default::on, kMetrics, kFlags, make<Stat>};

}  // namespace exporter::host
