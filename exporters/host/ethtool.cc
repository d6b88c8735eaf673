#include "exporters/host/ethtool_page.h"
#include "exporters/host/ethtool_socket.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr Flag kInclude{"collector.ethtool.device-include", "",
                        "Regexp of ethtool devices to include (not together with device-exclude)."};
constexpr Flag kExclude{"collector.ethtool.device-exclude", "",
                        "Regexp of ethtool devices to exclude (not together with device-include)."};
constexpr Flag kStatistics{"collector.ethtool.metrics-include", ".*",
                           "Regexp of ethtool stats to include."};
constexpr Flag kFlags[] = {kInclude, kExclude, kStatistics};

class Ethtool {
 public:
  explicit Ethtool(const Host& host)
      : is_own_(host.own_network()),
        sys_(host.sys()),
        devices_(host.settings, kInclude.name, kExclude.name),
        statistics_(host.settings, kStatistics.name, "") {}

  void collect(Samples& samples, const Deadline&) {
    if (!is_own_) return;
    for (const auto& device : sys_.list("class/net")) {
      if (!devices_.passes(device)) continue;
      if (const auto link = socket_.link(device)) ethtool::add_link(samples, device, *link);
      const auto driver = socket_.driver(device);
      if (!driver) continue;
      ethtool::add_driver(samples, device, *driver);
      ethtool::add_statistics(samples, device, socket_.statistics(device, driver->n_stats),
                              statistics_);
    }
  }

 private:
  bool is_own_;
  Files sys_;
  Filter devices_, statistics_;
  EthtoolSocket socket_;
};

}  // namespace

extern constinit const Module kEthtool{"ethtool", Module::Default::off, ethtool::kMetrics, kFlags,
                                       make<Ethtool>};

}  // namespace exporter::host
