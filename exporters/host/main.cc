#include <filesystem>

#include "common/app/app.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "exporters/host/collectors.h"
#include "exporters/host/visibility.h"

namespace exporter::host {
namespace {

constexpr Flag kFlags[] = {
    {"path.procfs", "/proc", "Where the host's procfs is mounted."},
    {"path.sysfs", "/sys", "Where the host's sysfs is mounted."},
    {"path.rootfs", "/", "Where the host's root is mounted."},
    {"path.udev.data", "/run/udev/data", "Where the host's udev database is."},
    {"runtime.gomaxprocs", "1", "Taken as node_exporter does, and of no effect."},
};

/// Collectors that node_exporter 1.5 to 1.12 has on Linux, and this exporter does not.
constexpr std::string_view kForeign[] = {
    "bcachefs", "logind", "ntp", "perf", "supervisord", "wifi",
};

/// A wrong path would silently produce no metrics. Default paths may be missing, and so may udev's
/// database.
void check_paths(const Settings& settings) {
  for (const auto flag : {"path.procfs", "path.sysfs", "path.rootfs"}) {
    std::error_code unreadable;
    const auto& path = settings.text(flag);
    if (settings.is_default(flag) || std::filesystem::is_directory(path, unreadable)) continue;
    settings.fail(flag, path + " is not a directory");
  }
}

/// With fewer descriptors, collectors would fail at random.
void check_descriptors(const Settings& settings) {
  const auto probes = settings.texts("collector.probe.target").size();
  const auto needed = kFewestDescriptors + kDescriptorsOfAProbe * probes;
  if (const auto limit = descriptor_limit(); limit < needed) {
    throw Error(Reason::config, "the limit of open files (ulimit -n) is " + std::to_string(limit) +
                                    ": expected at least " + std::to_string(needed));
  }
}

std::shared_ptr<Host> make_host(const SourceInputs& inputs) {
  const auto& settings = *inputs.settings;
  check_descriptors(settings);
  check_paths(settings);
  const auto path = [&](std::string_view flag) { return plain_path(settings.text(flag)); };
  auto host = std::make_shared<Host>(Host{settings, path("path.procfs"), path("path.sysfs"),
                                          path("path.rootfs"), path("path.udev.data"),
                                          inputs.upstreams, inputs.settings});
  if (inputs.starting) {
    for (const auto& spot : blind_spots(*host)) log::warn("not visible", {{"what", spot}});
  }
  return host;
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
  app.flags.assign(std::begin(kFlags), std::end(kFlags));
  watch<Host>(app, {.make = make_host}, modules());
  return app;
}

}  // namespace
}  // namespace exporter::host

int main(int argc, char** argv) { return exporter::run(exporter::host::app(), argc, argv); }
