#include <algorithm>

#include "exporters/host/cpu_info.h"
#include "exporters/host/cpus.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kCurrent =
    gauge("node_cpu_frequency_hertz", "Current CPU thread frequency in hertz.", "cpu");
constexpr auto kAverage =
    gauge("node_cpu_frequency_avg_hertz", "Average CPU thread frequency in hertz.", "cpu");
constexpr auto kMinimum =
    gauge("node_cpu_frequency_min_hertz", "Minimum CPU thread frequency in hertz.", "cpu");
constexpr auto kMaximum =
    gauge("node_cpu_frequency_max_hertz", "Maximum CPU thread frequency in hertz.", "cpu");
constexpr auto kScaling = gauge("node_cpu_scaling_frequency_hertz",
                                "Current scaled CPU thread frequency in hertz.", "cpu");
constexpr auto kScalingMinimum = gauge("node_cpu_scaling_frequency_min_hertz",
                                       "Minimum scaled CPU thread frequency in hertz.", "cpu");
constexpr auto kScalingMaximum = gauge("node_cpu_scaling_frequency_max_hertz",
                                       "Maximum scaled CPU thread frequency in hertz.", "cpu");
constexpr auto kGovernor = gauge("node_cpu_scaling_governor",
                                 "Current enabled CPU frequency governor.", "cpu", "governor");
constexpr MetricView kMetrics[] = {kCurrent, kAverage,        kMinimum,        kMaximum,
                                   kScaling, kScalingMinimum, kScalingMaximum, kGovernor};

/// In the same family: the value from /proc/cpuinfo, if cpufreq has none.
constexpr auto kFromInfo = gauge(
    "node_cpu_frequency_hertz", "Current CPU thread frequency in hertz.", "package", "core", "cpu");

struct Frequency {
  std::string_view file;
  const Metric<1>& metric;
};
constexpr Frequency kFrequencies[] = {
    {"cpuinfo_cur_freq", kCurrent},        {"cpuinfo_avg_freq", kAverage},
    {"cpuinfo_min_freq", kMinimum},        {"cpuinfo_max_freq", kMaximum},
    {"scaling_cur_freq", kScaling},        {"scaling_min_freq", kScalingMinimum},
    {"scaling_max_freq", kScalingMaximum},
};
constexpr double kHertzPerUnit = 1000;

class Cpufreq {
 public:
  explicit Cpufreq(const Host& host)
      : proc_(host.proc()), sys_(host.sys()), info_(wants_cpu_info(host.settings)) {}

  void collect(Samples& samples, const Deadline& deadline) {
    const auto offline = read_cpu_list(sys_, "offline");
    bool measured = false;
    for (const auto& cpu : list_cpus(sys_)) {
      deadline.check();
      const auto number = parse_number<unsigned>(cpu);
      if (std::find(offline.begin(), offline.end(), number) != offline.end()) continue;
      const auto directory = std::string(kCpuDirectory) + "/cpu" + cpu + "/cpufreq/";
      if (!sys_.exists(directory)) continue;
      measured |= collect_frequencies(samples, cpu, directory);
      collect_governors(samples, cpu, directory);
    }
    if (info_ && !measured) collect_info(samples);
  }

 private:
  /// Returns whether the CPU's own frequency was among them.
  bool collect_frequencies(Samples& samples, const std::string& cpu, const std::string& directory) {
    bool measured = false;
    for (const auto& [file, metric] : kFrequencies) {
      const auto path = directory + std::string(file);
      const auto text = sys_.line(path);
      // The kernel writes <unknown> or <unsupported> if the driver does not know.
      if (!text || text->empty() || text->starts_with('<')) continue;
      Lines lines(sys_.path(path), *text);
      std::string_view line;
      lines.next(line);
      samples.add(metric, lines.number(line) * kHertzPerUnit, cpu);
      measured |= &metric == &kCurrent;
    }
    return measured;
  }

  void collect_governors(Samples& samples, const std::string& cpu, const std::string& directory) {
    const std::string current(sys_.line(directory + "scaling_governor").value_or(""));
    if (current.empty()) return;
    auto available = sys_.line(directory + "scaling_available_governors").value_or("");
    for (auto name = next_word(available); !name.empty(); name = next_word(available)) {
      samples.add(kGovernor, name == current, cpu, name);
    }
  }

  void collect_info(Samples& samples) {
    for (const auto& cpu : read_cpu_info(proc_)) {
      if (cpu.hertz) samples.add(kFromInfo, *cpu.hertz, cpu.package, cpu.core, cpu.cpu);
    }
  }

  Files proc_, sys_;
  bool info_;
};

}  // namespace

extern constinit const Module kCpufreq{"cpufreq", Module::Default::on, kMetrics, {}, make<Cpufreq>};

}  // namespace exporter::host
