#include "common/base/time.h"

#include <ctime>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kSeconds = gauge("node_time_seconds", "System time in seconds since epoch (1970).");
constexpr auto kZoneOffset =
    gauge("node_time_zone_offset_seconds", "System time zone offset in seconds.", "time_zone");
constexpr auto kAvailable = info(
    "node_time_clocksource_available_info",
    "Available clocksources read from '/sys/devices/system/clocksource'.", "device", "clocksource");
constexpr auto kCurrent = info("node_time_clocksource_current_info",
                               "Current clocksource read from '/sys/devices/system/clocksource'.",
                               "device", "clocksource");
constexpr MetricView kMetrics[] = {kSeconds, kZoneOffset, kAvailable, kCurrent};

constexpr std::string_view kDirectory = "devices/system/clocksource";

class Time {
 public:
  // Not all C libraries read the time zone in localtime_r(), and another thread's first use of it
  // would race with ours: POSIX requires tzset() first.
  explicit Time(const Host& host) : sys_(host.sys()) { ::tzset(); }

  void collect(Samples& samples, const Deadline&) {
    const double now = unix_now();
    const auto seconds = static_cast<std::time_t>(now);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    samples.add(kSeconds, now);
    samples.add(kZoneOffset, static_cast<double>(local.tm_gmtoff), local.tm_zone);
    collect_clocksources(samples);
  }

 private:
  /// Devices are numbered in the order of their names.
  void collect_clocksources(Samples& samples) {
    int device = 0;
    for (const auto& name : sys_.list(kDirectory)) {
      if (!name.starts_with("clocksource")) continue;
      const auto number = std::to_string(device++);
      const auto directory = std::string(kDirectory) + '/' + name;
      auto available = sys_.line(directory + "/available_clocksource").value_or("");
      for (auto source = next_word(available); !source.empty(); source = next_word(available)) {
        samples.add(kAvailable, 1, number, source);
      }
      const auto current = sys_.line(directory + "/current_clocksource");
      if (current) samples.add(kCurrent, 1, number, *current);
    }
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kTime{"time", Module::Default::on, kMetrics, {}, make<Time>};

}  // namespace exporter::host
