#include <map>

#include "exporters/host/hwmon_chips.h"
#include "exporters/host/hwmon_names.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kChipName =
    gauge("node_hwmon_chip_names", "Annotation metric for human-readable chip names", "chip",
          "chip_name");
constexpr auto kLabel =
    gauge("node_hwmon_sensor_label", "Label for given chip and sensor", "chip", "sensor", "label");
constexpr auto kBeep = gauge("node_hwmon_beep_enabled", "Hardware beep enabled", "chip", "sensor");
constexpr auto kRegulator =
    gauge("node_hwmon_voltage_regulator_version", "Hardware voltage regulator", "chip", "sensor");
constexpr auto kInterval = gauge("node_hwmon_update_interval_seconds",
                                 "Hardware monitor update interval", "chip", "sensor");
constexpr std::string_view kLabels[] = {"chip", "sensor"};
constexpr MetricView named(MetricType type, std::string_view name, std::string_view help) {
  return {type, name, help, kLabels};
}
constexpr MetricView kMetrics[] = {
    kChipName,
    kLabel,
    kBeep,
    kRegulator,
    kInterval,
    named(MetricType::gauge, "node_hwmon_in_volts", "Hardware monitor for voltage"),
    named(MetricType::gauge, "node_hwmon_temp_celsius", "Hardware monitor for temperature"),
    named(MetricType::gauge, "node_hwmon_temp_crit_celsius", "The temperature that is critical"),
    named(MetricType::gauge, "node_hwmon_temp_max_celsius", "The temperature that is too high"),
    named(MetricType::gauge, "node_hwmon_curr_amps", "Hardware monitor for current"),
    named(MetricType::gauge, "node_hwmon_power_watt", "Hardware monitor for power usage in watts"),
    named(MetricType::counter, "node_hwmon_energy_joule_total",
          "Hardware monitor for joules used so far"),
    named(MetricType::gauge, "node_hwmon_humidity", "Hardware monitor for humidity, as a ratio"),
    named(MetricType::gauge, "node_hwmon_fan_rpm",
          "Hardware monitor for fan revolutions per minute"),
    named(MetricType::gauge, "node_hwmon_<sensor>",
          "Any other element of a sensor, with its unit as the suffix"),
};

constexpr Flag kFlags[] = {
    {"collector.hwmon.chip-include", "", "Regexp of chips to include."},
    {"collector.hwmon.chip-exclude", "", "Regexp of chips to exclude."},
    {"collector.hwmon.sensor-include", "", "Regexp of sensors to include, as chip;sensor."},
    {"collector.hwmon.sensor-exclude", "", "Regexp of sensors to exclude, as chip;sensor."},
};

/// The files of a sensor, by element.
struct Sensor {
  std::string type;
  std::map<std::string, std::string> elements;
};
using Sensors = std::map<std::string, Sensor>;

std::string_view without_newlines(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  while (text.starts_with('\n')) text.remove_prefix(1);
  return text;
}

class Hwmon {
 public:
  explicit Hwmon(const Host& host)
      : sys_(host.sys()),
        chips_(host.settings, kFlags[0].name, kFlags[1].name),
        sensors_(host.settings, kFlags[2].name, kFlags[3].name) {}

  void collect(Samples& samples, const Deadline& deadline) {
    for (const auto& chip : hwmon_chips(sys_)) {
      deadline.check();
      if (chips_.passes(chip.name)) add_chip(samples, chip);
    }
  }

 private:
  void add_chip(Samples& samples, const HwmonChip& chip);
  void read(const std::string& directory, Sensors& sensors);
  static void add_sensor(Samples& samples, const std::string& chip, const std::string& name,
                         const Sensor& sensor);

  Files sys_;
  Filter chips_, sensors_;
};

void Hwmon::add_chip(Samples& samples, const HwmonChip& chip) {
  Sensors sensors;
  read(chip.directory, sensors);
  read(chip.directory + "device/", sensors);  // the location of older drivers' attributes
  if (const auto kind = clean_name(chip.kind); !kind.empty()) {
    samples.add(kChipName, 1, chip.name, kind);
  }
  for (const auto& [name, sensor] : sensors) {
    if (sensors_.passes(chip.name + ';' + name)) add_sensor(samples, chip.name, name, sensor);
  }
}

void Hwmon::read(const std::string& directory, Sensors& sensors) {
  constexpr std::size_t kMaxValue = 128;
  for (const auto& name : sys_.list(directory)) {
    const auto file = sensor_file(name);
    if (!file) continue;
    const auto text = sys_.read(directory + name);
    if (!text) continue;
    auto& sensor = sensors[std::string(file->type) + std::to_string(file->number)];
    sensor.type = file->type;
    sensor.elements[std::string(file->element)] = without_newlines(text->substr(0, kMaxValue));
  }
}

/// Values that are not numbers are left out: drivers have all kinds of elements.
void Hwmon::add_sensor(Samples& samples, const std::string& chip, const std::string& name,
                       const Sensor& sensor) {
  const auto label = sensor.elements.find("label");
  const bool has_label = label != sensor.elements.end();
  if (has_label) samples.add(kLabel, 1, chip, name, label->second);
  const bool has_bare = sensor.elements.contains("");
  for (const auto& [element, text] : sensor.elements) {
    const auto value = parse_number<double>(text);
    if (!value || element == "label") continue;
    if (sensor.type == "beep_enable") {
      samples.add(kBeep, text == "1" ? 1 : 0, chip, name);
    } else if (sensor.type == "vrm") {
      samples.add(kRegulator, *value, chip, name);
    } else if (sensor.type == "update_interval") {
      samples.add(kInterval, *value * 0.001, chip, name);
    } else {
      const bool is_frequency = sensor.type == "freq" && element == "input";
      if (is_frequency && !has_label) continue;
      const auto family = sensor_family(sensor.type, element, has_bare);
      samples.add_named(
          family.type, family.name, family.help, family.in_base_unit(*value),
          {{"chip", chip}, {"sensor", is_frequency ? clean_name(label->second) : name}});
    }
  }
}

}  // namespace

extern constinit const Module kHwmon{"hwmon", Module::Default::on, kMetrics, kFlags, make<Hwmon>};

}  // namespace exporter::host
