#include "exporters/host/module.h"

namespace exporter::host {
namespace {

consteval Metric<1> attribute(std::string_view name) {
  return gauge(name, "Value of an attribute of /sys/class/power_supply/<power_supply>.",
               "power_supply");
}

/// The kernel counts in microvolts, microamperes and so on, and in tenths of a degree
/// (Documentation/ABI/testing/sysfs-class-power).
constexpr double kMicro = 1e6, kTenth = 10;

struct Attribute {
  std::string_view file;
  Metric<1> metric;
  double divisor;
};
constexpr Attribute kAttributes[] = {
    {"authentic", attribute("node_power_supply_authentic"), 1},
    {"calibrate", attribute("node_power_supply_calibrate"), 1},
    {"capacity", attribute("node_power_supply_capacity"), 1},
    {"capacity_alert_max", attribute("node_power_supply_capacity_alert_max"), 1},
    {"capacity_alert_min", attribute("node_power_supply_capacity_alert_min"), 1},
    {"cycle_count", attribute("node_power_supply_cyclecount"), 1},
    {"online", attribute("node_power_supply_online"), 1},
    {"present", attribute("node_power_supply_present"), 1},
    {"time_to_empty_now", attribute("node_power_supply_time_to_empty_seconds"), 1},
    {"time_to_full_now", attribute("node_power_supply_time_to_full_seconds"), 1},
    {"current_boot", attribute("node_power_supply_current_boot"), kMicro},
    {"current_max", attribute("node_power_supply_current_max"), kMicro},
    {"current_now", attribute("node_power_supply_current_ampere"), kMicro},
    {"energy_empty", attribute("node_power_supply_energy_empty"), kMicro},
    {"energy_empty_design", attribute("node_power_supply_energy_empty_design"), kMicro},
    {"energy_full", attribute("node_power_supply_energy_full"), kMicro},
    {"energy_full_design", attribute("node_power_supply_energy_full_design"), kMicro},
    {"energy_now", attribute("node_power_supply_energy_watthour"), kMicro},
    {"voltage_boot", attribute("node_power_supply_voltage_boot"), kMicro},
    {"voltage_max", attribute("node_power_supply_voltage_max"), kMicro},
    {"voltage_max_design", attribute("node_power_supply_voltage_max_design"), kMicro},
    {"voltage_min", attribute("node_power_supply_voltage_min"), kMicro},
    {"voltage_min_design", attribute("node_power_supply_voltage_min_design"), kMicro},
    {"voltage_now", attribute("node_power_supply_voltage_volt"), kMicro},
    {"voltage_ocv", attribute("node_power_supply_voltage_ocv"), kMicro},
    {"charge_control_limit", attribute("node_power_supply_charge_control_limit"), kMicro},
    {"charge_control_limit_max", attribute("node_power_supply_charge_control_limit_max"), kMicro},
    {"charge_counter", attribute("node_power_supply_charge_counter"), kMicro},
    {"charge_empty", attribute("node_power_supply_charge_empty"), kMicro},
    {"charge_empty_design", attribute("node_power_supply_charge_empty_design"), kMicro},
    {"charge_full", attribute("node_power_supply_charge_full"), kMicro},
    {"charge_full_design", attribute("node_power_supply_charge_full_design"), kMicro},
    {"charge_now", attribute("node_power_supply_charge_ampere"), kMicro},
    {"charge_term_current", attribute("node_power_supply_charge_term_current"), kMicro},
    {"constant_charge_current", attribute("node_power_supply_constant_charge_current"), kMicro},
    {"constant_charge_current_max", attribute("node_power_supply_constant_charge_current_max"),
     kMicro},
    {"constant_charge_voltage", attribute("node_power_supply_constant_charge_voltage"), kMicro},
    {"constant_charge_voltage_max", attribute("node_power_supply_constant_charge_voltage_max"),
     kMicro},
    {"precharge_current", attribute("node_power_supply_precharge_current"), kMicro},
    {"input_current_limit", attribute("node_power_supply_input_current_limit"), kMicro},
    {"power_now", attribute("node_power_supply_power_watt"), kMicro},
    {"temp", attribute("node_power_supply_temp_celsius"), kTenth},
    {"temp_alert_max", attribute("node_power_supply_temp_alert_max_celsius"), kTenth},
    {"temp_alert_min", attribute("node_power_supply_temp_alert_min_celsius"), kTenth},
    {"temp_ambient", attribute("node_power_supply_temp_ambient_celsius"), kTenth},
    {"temp_ambient_max", attribute("node_power_supply_temp_ambient_max_celsius"), kTenth},
    {"temp_ambient_min", attribute("node_power_supply_temp_ambient_min_celsius"), kTenth},
    {"temp_max", attribute("node_power_supply_temp_max_celsius"), kTenth},
    {"temp_min", attribute("node_power_supply_temp_min_celsius"), kTenth},
};
constexpr auto kInfo =
    info("node_power_supply_info", "info of /sys/class/power_supply/<power_supply>.",
         "power_supply", "capacity_level", "charge_type", "health", "manufacturer", "model_name",
         "scope", "serial_number", "status", "technology", "type", "usb_type");
constexpr auto kMetrics = families(kAttributes, kInfo);

constexpr Flag kFlags[] = {
    {"collector.powersupply.ignored-supplies", "^$", "Regexp of power supplies to exclude."},
};

class PowerSupplyClass {
 public:
  explicit PowerSupplyClass(const Host& host)
      : sys_(host.sys()), supplies_(host.settings, "", kFlags[0].name) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& supply : sys_.list(kRoot)) {
      if (supplies_.passes(supply)) add(samples, supply);
    }
  }

 private:
  static constexpr std::string_view kRoot = "class/power_supply/";

  void add(Samples& samples, const std::string& supply) {
    for (const auto& [file, metric, divisor] : kAttributes) {
      if (const auto value = sys_.number(path(supply, file))) {
        samples.add(metric, *value / divisor, supply);
      }
    }
    std::array<std::string, kInfo.labels.size()> texts{supply};
    std::array<std::string_view, texts.size()> labels{supply};
    for (std::size_t i = 1; i < texts.size(); ++i) {
      labels[i] = texts[i] = sys_.line(path(supply, kInfo.labels[i])).value_or("");
    }
    samples.add(MetricView(kInfo), 1, labels);
  }

  static std::string path(std::string_view supply, std::string_view file) {
    return std::string(kRoot).append(supply).append("/").append(file);
  }

  Files sys_;
  Filter supplies_;
};

}  // namespace

extern constinit const Module kPowerSupplyClass{"powersupplyclass", Module::Default::on, kMetrics,
                                                kFlags, make<PowerSupplyClass>};

}  // namespace exporter::host
