#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "exporters/host/cpu_info.h"
#include "exporters/host/cpus.h"
#include "exporters/host/foreign_layout.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kSeconds =
    counter("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", "cpu", "mode");
constexpr auto kGuestSeconds =
    counter("node_cpu_guest_seconds_total", "Seconds the CPUs spent in guests (VMs) for each mode.",
            "cpu", "mode");
constexpr auto kCoreThrottles =
    counter("node_cpu_core_throttles_total", "Number of times this CPU core has been throttled.",
            "package", "core");
constexpr auto kPackageThrottles =
    counter("node_cpu_package_throttles_total",
            "Number of times this CPU package has been throttled.", "package");
constexpr auto kIsolated = gauge(
    "node_cpu_isolated",
    "Whether each core is isolated, information from /sys/devices/system/cpu/isolated.", "cpu");
constexpr auto kOnline =
    gauge("node_cpu_online", "CPUs that are online and being scheduled.", "cpu");
constexpr MetricView kMetrics[] = {kSeconds,          kGuestSeconds, kCoreThrottles,
                                   kPackageThrottles, kIsolated,     kOnline,
                                   kCpuInfo,          kCpuFlagInfo,  kCpuBugInfo};

constexpr Flag kFlags[] = {
    {"collector.cpu.guest", "true", "Export node_cpu_guest_seconds_total.", Flag::Kind::boolean},
    {kCpuInfoFlag, "false", "Export node_cpu_info.", Flag::Kind::boolean},
    {kCpuFlagsInclude, "", "Regexp of CPU flags to export; sets cpu.info."},
    {kCpuBugsInclude, "", "Regexp of CPU bugs to export; sets cpu.info."},
};

/// The columns of /proc/stat; guest time is part of user and nice.
constexpr std::string_view kModes[] = {"user",   "nice", "system",  "idle",
                                       "iowait", "irq",  "softirq", "steal"};
constexpr std::size_t kIdle = 3, kGuest = 8, kGuestNice = 9;
constexpr double kTicksPerSecond = 100;
constexpr double kReplacedAfter = 3 * kTicksPerSecond;

using Ticks = std::array<double, 10>;

/// The kernel's idle and iowait may decrease slightly: a counter then keeps its maximum until it is
/// exceeded. If idle decreases by 3 s, the CPU was replaced and starts again.
void advance(Ticks& ticks, const Ticks& now) {
  if (ticks[kIdle] - now[kIdle] >= kReplacedAfter) ticks = {};
  for (std::size_t i = 0; i < ticks.size(); ++i) ticks[i] = std::max(ticks[i], now[i]);
}

Ticks read_ticks(const Lines& lines, std::string_view line) {
  Ticks ticks{};
  for (auto& value : ticks) {
    const auto word = next_word(line);
    if (word.empty()) break;
    value = lines.number(word);
  }
  return ticks;
}

class CpuCollector {
 public:
  explicit CpuCollector(const Host& host)
      : proc_(host.proc()),
        sys_(host.sys()),
        guest_(host.settings.enabled("collector.cpu.guest")),
        info_(host.settings) {}

  void collect(Samples& samples, const Deadline&) {
    info_.collect(proc_, samples);
    collect_times(samples);
    for (const auto cpu : read_cpu_list(sys_, "isolated")) {
      samples.add(kIsolated, 1, std::to_string(cpu));
    }
    collect_topology(samples);
  }

 private:
  struct Cpu {
    std::string number;
    Ticks ticks{};
  };

  void collect_times(Samples& samples) {
    const auto text = proc_.read_filled("stat");
    if (!text) return;
    Lines lines(proc_.path("stat"), *text);
    std::size_t count = 0;
    bool has_sum = false;
    for (std::string_view line; lines.next(line);) {
      auto name = next_word(line);
      has_sum |= name == "cpu";
      if (!name.starts_with("cpu") || name == "cpu") continue;
      name.remove_prefix(3);
      lines.integer(name);
      auto& cpu = cpu_at(count++, name);
      advance(cpu.ticks, read_ticks(lines, line));
      add_times(samples, cpu);
    }
    if (count == 0 && !has_sum) lines.fail("no CPU");
    if (count == 0) foreign_.say(proc_.path("stat"), "a line for each CPU after their sum");
    cpus_.resize(count);
  }

  /// The CPU with that number, moved to its current position in /proc/stat.
  Cpu& cpu_at(std::size_t index, std::string_view number) {
    const auto place = cpus_.begin() + static_cast<std::ptrdiff_t>(index);
    const auto found =
        std::find_if(place, cpus_.end(), [&](const Cpu& cpu) { return cpu.number == number; });
    if (found == cpus_.end()) return *cpus_.insert(place, {std::string(number)});
    std::iter_swap(place, found);
    return *place;
  }

  void add_times(Samples& samples, const Cpu& cpu) const {
    for (std::size_t i = 0; i < std::size(kModes); ++i) {
      samples.add(kSeconds, cpu.ticks[i] / kTicksPerSecond, cpu.number, kModes[i]);
    }
    if (!guest_) return;
    samples.add(kGuestSeconds, cpu.ticks[kGuest] / kTicksPerSecond, cpu.number, "user");
    samples.add(kGuestSeconds, cpu.ticks[kGuestNice] / kTicksPerSecond, cpu.number, "nice");
  }

  void collect_topology(Samples& samples) {
    topology_.update(sys_);
    for (const auto& [package, core, path] : topology_.throttles()) {
      const auto count = sys_.number(path);
      if (!count) continue;
      if (core.empty()) {
        samples.add(kPackageThrottles, *count, package);
      } else {
        samples.add(kCoreThrottles, *count, package, core);
      }
    }
    for (const auto& [cpu, online] : topology_.states()) samples.add(kOnline, online, cpu);
  }

  Files proc_, sys_;
  bool guest_;
  CpuInfoSamples info_;
  std::vector<Cpu> cpus_;
  CpuTopology topology_;
  ForeignLayout foreign_;
};

}  // namespace

extern constinit const Module kCpu{"cpu", Module::Default::on, kMetrics, kFlags,
                                   make<CpuCollector>};

}  // namespace exporter::host
