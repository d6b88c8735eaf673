#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kEnabled =
    gauge("node_selinux_enabled", "SELinux is enabled, 1 is true, 0 is false");
constexpr auto kConfigured =
    gauge("node_selinux_config_mode", "Configured SELinux enforcement mode");
constexpr auto kCurrent = gauge("node_selinux_current_mode", "Current SELinux enforcement mode");
constexpr MetricView kMetrics[] = {kEnabled, kConfigured, kCurrent};

constexpr std::string_view kEnforce = "fs/selinux/enforce";
constexpr std::string_view kConfig = "/etc/selinux/config";

class Selinux {
 public:
  explicit Selinux(const Host& host) : sys_(host.sys()), config_(host.rootfs, Files::Tree::proc) {}

  void collect(Samples& samples, const Deadline&) {
    const auto enforcing = sys_.number(kEnforce);
    if (!enforcing && !sys_.exists("")) return;
    samples.add(kEnabled, enforcing ? 1 : 0);
    if (!enforcing) return;
    samples.add(kConfigured, configured());
    samples.add(kCurrent, *enforcing);
  }

 private:
  /// The first SELINUX= in the file (selinux_config(5)): 1 enforcing, 0 permissive, -1 disabled or
  /// not set.
  double configured() {
    const auto text = config_.read_once(kConfig.substr(1));
    Lines lines(config_.path(kConfig.substr(1)), text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      if (trim(next_part(line, '=')) != "SELINUX") continue;
      const auto mode = trim(line);
      return mode == "enforcing" ? 1 : mode == "permissive" ? 0 : -1;
    }
    return -1;
  }

  Files sys_, config_;
};

}  // namespace

extern constinit const Module kSelinux{"selinux", Module::Default::on, kMetrics, {}, make<Selinux>};

}  // namespace exporter::host
