#include "exporters/host/module.h"

namespace exporter::host {
namespace {

struct Attribute {
  std::string_view file;
  Metric<1> metric;
};
constexpr Attribute kAttributes[] = {
    {"bootstatus", gauge("node_watchdog_bootstatus",
                         "Value of /sys/class/watchdog/<watchdog>/bootstatus", "name")},
    {"fw_version", gauge("node_watchdog_fw_version",
                         "Value of /sys/class/watchdog/<watchdog>/fw_version", "name")},
    {"nowayout",
     gauge("node_watchdog_nowayout", "Value of /sys/class/watchdog/<watchdog>/nowayout", "name")},
    {"timeleft", gauge("node_watchdog_timeleft_seconds",
                       "Value of /sys/class/watchdog/<watchdog>/timeleft", "name")},
    {"timeout", gauge("node_watchdog_timeout_seconds",
                      "Value of /sys/class/watchdog/<watchdog>/timeout", "name")},
    {"pretimeout", gauge("node_watchdog_pretimeout_seconds",
                         "Value of /sys/class/watchdog/<watchdog>/pretimeout", "name")},
    {"access_cs0", gauge("node_watchdog_access_cs0",
                         "Value of /sys/class/watchdog/<watchdog>/access_cs0", "name")},
};
constexpr auto kInfo = info("node_watchdog_info", "Info of /sys/class/watchdog/<watchdog>", "name",
                            "options", "identity", "state", "status", "pretimeout_governor");
constexpr auto kMetrics = families(kAttributes, kInfo);

class Watchdog {
 public:
  explicit Watchdog(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& name : sys_.list("class/watchdog")) {
      const auto directory = "class/watchdog/" + name + '/';
      for (const auto& [file, metric] : kAttributes) {
        if (const auto value = sys_.number(directory + std::string(file))) {
          samples.add(metric, *value, name);
        }
      }
      samples.add(kInfo, 1, name, text(directory + "options"), text(directory + "identity"),
                  text(directory + "state"), text(directory + "status"),
                  text(directory + "pretimeout_governor"));
    }
  }

 private:
  std::string text(const std::string& path) { return std::string(sys_.line(path).value_or("")); }

  Files sys_;
};

}  // namespace

extern constinit const Module kWatchdog{
    "watchdog", Module::Default::on, kMetrics, {}, make<Watchdog>};

}  // namespace exporter::host
