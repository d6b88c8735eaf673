#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kTemperature =
    gauge("node_thermal_zone_temp", "Zone temperature in Celsius", "zone", "type");
constexpr auto kState = gauge("node_cooling_device_cur_state",
                              "Current throttle state of the cooling device", "name", "type");
constexpr auto kMaxState = gauge("node_cooling_device_max_state",
                                 "Maximum throttle state of the cooling device", "name", "type");
constexpr MetricView kMetrics[] = {kTemperature, kState, kMaxState};

constexpr std::string_view kZone = "thermal_zone";
constexpr std::string_view kDevice = "cooling_device";

class ThermalZone {
 public:
  explicit ThermalZone(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& name : sys_.list("class/thermal")) {
      const auto directory = "class/thermal/" + name + '/';
      if (name.starts_with(kZone)) add_zone(samples, name.substr(kZone.size()), directory);
      if (name.starts_with(kDevice)) add_device(samples, name.substr(kDevice.size()), directory);
    }
  }

 private:
  /// A zone has no temperature while its sensor is asleep.
  void add_zone(Samples& samples, std::string_view zone, const std::string& directory) {
    const auto millidegrees = sys_.number(directory + "temp");
    if (millidegrees) samples.add(kTemperature, *millidegrees / 1000, zone, type(directory));
  }

  void add_device(Samples& samples, std::string_view name, const std::string& directory) {
    const auto state = sys_.number(directory + "cur_state");
    const auto max_state = sys_.number(directory + "max_state");
    if (!state || !max_state) return;
    samples.add(kState, *state, name, type(directory));
    samples.add(kMaxState, *max_state, name, type(directory));
  }

  std::string_view type(const std::string& directory) {
    return sys_.line(directory + "type").value_or("");
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kThermalZone{
    "thermal_zone", Module::Default::on, kMetrics, {}, make<ThermalZone>};

}  // namespace exporter::host
