#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo =
    info("node_dmmultipath_device_info", "Non-numeric information about a DM-multipath device.",
         "device", "sysfs_name", "uuid");
constexpr auto kActive =
    gauge("node_dmmultipath_device_active",
          "Whether the multipath device-mapper device is active (1) or suspended (0).", "device",
          "sysfs_name");
constexpr auto kSize =
    gauge("node_dmmultipath_device_size_bytes",
          "Size of the multipath device in bytes, read from /sys/block/<dm>/size.", "device",
          "sysfs_name");
constexpr auto kPaths = gauge("node_dmmultipath_device_paths",
                              "Number of paths for a multipath device.", "device", "sysfs_name");
constexpr auto kPathsActive =
    gauge("node_dmmultipath_device_paths_active",
          "Number of paths in active state (SCSI running or NVMe live) for a multipath device.",
          "device", "sysfs_name");
constexpr auto kPathsFailed =
    gauge("node_dmmultipath_device_paths_failed",
          "Number of paths not in active state for a multipath device.", "device", "sysfs_name");
constexpr auto kPathState =
    gauge("node_dmmultipath_path_state",
          "Reports the underlying device state for a multipath path, as read from "
          "/sys/block/<dev>/device/state.",
          "device", "path", "state");
constexpr MetricView kMetrics[] = {kInfo,        kActive,      kSize,     kPaths,
                                   kPathsActive, kPathsFailed, kPathState};

constexpr double kSector = 512;

class Dmmultipath {
 public:
  explicit Dmmultipath(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& name : sys_.list("block")) {
      if (!name.starts_with("dm-")) continue;
      const std::string uuid(sys_.line("block/" + name + "/dm/uuid").value_or(""));
      if (uuid.starts_with("mpath-")) add(samples, name, uuid);
    }
  }

 private:
  void add(Samples& samples, const std::string& sysfs_name, const std::string& uuid) {
    const auto directory = "block/" + sysfs_name + '/';
    const std::string device(sys_.line(directory + "dm/name").value_or(""));
    samples.add(kInfo, 1, device, sysfs_name, uuid);
    if (const auto suspended = sys_.number(directory + "dm/suspended")) {
      samples.add(kActive, *suspended == 0 ? 1 : 0, device, sysfs_name);
    }
    if (const auto sectors = sys_.number(directory + "size")) {
      samples.add(kSize, *sectors * kSector, device, sysfs_name);
    }
    double active = 0, failed = 0;
    for (const auto& path : sys_.list(directory + "slaves")) {
      const auto state = sys_.line("block/" + path + "/device/state").value_or("unknown");
      ++(state == "running" || state == "live" ? active : failed);
      samples.add(kPathState, 1, device, path, state);
    }
    samples.add(kPaths, active + failed, device, sysfs_name);
    samples.add(kPathsActive, active, device, sysfs_name);
    samples.add(kPathsFailed, failed, device, sysfs_name);
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kDmmultipath{
    "dmmultipath", Module::Default::on, kMetrics, {}, make<Dmmultipath>};

}  // namespace exporter::host
