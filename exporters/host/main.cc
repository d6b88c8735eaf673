#include <filesystem>

#include "common/app/app.h"
#include "common/base/log.h"
#include "exporters/host/collectors.h"
#include "exporters/host/visibility.h"

namespace exporter::host {
namespace {

constexpr Flag kPaths[] = {
    {"path.procfs", "/proc", "Where the host's procfs is mounted."},
    {"path.sysfs", "/sys", "Where the host's sysfs is mounted."},
    {"path.rootfs", "/", "Where the host's root is mounted."},
    {"path.udev.data", "/run/udev/data", "Where the host's udev database is."},
};

/// What node_exporter 1.5 to 1.12 has on Linux, and this exporter does not.
constexpr std::string_view kForeign[] = {
    "bcache",        "bcachefs",    "buddyinfo",     "cgroups", "cpu_vulnerabilities",
    "dmmultipath",   "drbd",        "drm",           "ethtool", "fibrechannel",
    "infiniband",    "ipvs",        "ksmd",          "lnstat",  "logind",
    "meminfo_numa",  "mountstats",  "network_route", "nfsd",    "ntp",
    "nvmesubsystem", "pcidevice",   "perf",          "qdisc",   "runit",
    "selinux",       "supervisord", "swap",          "sysctl",  "tapestats",
    "wifi",          "xfrm",        "zfs",
};

/// A wrong path would leave everything out in silence. What stands there when nobody says so may be
/// absent, as may udev's database.
void check_paths(const Settings& settings) {
  for (const auto flag : {"path.procfs", "path.sysfs", "path.rootfs"}) {
    std::error_code unreadable;
    const auto& path = settings.text(flag);
    if (settings.is_default(flag) || std::filesystem::is_directory(path, unreadable)) continue;
    settings.fail(flag, path + " is no folder");
  }
}

std::vector<Collector> build(const App::Inputs& inputs) {
  const auto& settings = inputs.settings;
  check_paths(settings);
  const Host host{settings,
                  settings.text("path.procfs"),
                  settings.text("path.sysfs"),
                  settings.text("path.rootfs"),
                  settings.text("path.udev.data"),
                  inputs.upstreams};
  if (inputs.starting) {
    for (const auto& spot : blind_spots(host)) log::warn("cannot see", {{"what", spot}});
  }
  std::vector<Collector> collectors;
  for (const auto* module : modules()) {
    if (!inputs.enabled(module->name)) continue;
    collectors.push_back({std::string(module->name),
                          module->schedule(settings),
                          std::chrono::seconds(10),
                          {module->metrics.begin(), module->metrics.end()},
                          module->make(host)});
  }
  return collectors;
}

App app() {
  App app;
  app.name = "host_exporter";
  app.description =
      "Prometheus exporter for Linux hosts, with the metrics, collectors and flags of "
      "node_exporter.";
  app.default_listen = ":19100";
  app.node_exporter_names = true;
  app.foreign_collectors.assign(std::begin(kForeign), std::end(kForeign));
  app.flags.assign(std::begin(kPaths), std::end(kPaths));
  for (const auto* module : modules()) {
    app.collectors.push_back({module->name,
                              module->enabled == Module::Default::on,
                              {module->metrics.begin(), module->metrics.end()}});
    app.flags.insert(app.flags.end(), module->flags.begin(), module->flags.end());
  }
  app.build = build;
  return app;
}

}  // namespace
}  // namespace exporter::host

int main(int argc, char** argv) { return exporter::run(exporter::host::app(), argc, argv); }
