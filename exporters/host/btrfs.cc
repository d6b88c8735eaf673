#include "exporters/host/block_names.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo = info("node_btrfs_info", "Filesystem information.", "uuid", "label");
constexpr auto kReserve =
    gauge("node_btrfs_global_rsv_size_bytes", "Size of global reserve.", "uuid");
constexpr auto kReserved =
    gauge("node_btrfs_reserved_bytes", "Amount of space reserved for a data type.", "uuid",
          "block_group_type");
constexpr auto kUsed = gauge("node_btrfs_used_bytes", "Amount of used space by a layout/data type.",
                             "uuid", "block_group_type", "mode");
constexpr auto kSize =
    gauge("node_btrfs_size_bytes", "Amount of space allocated for a layout/data type.", "uuid",
          "block_group_type", "mode");
constexpr auto kRatio =
    gauge("node_btrfs_allocation_ratio", "Data allocation ratio for a layout/data type.", "uuid",
          "block_group_type", "mode");
constexpr auto kDeviceSize =
    gauge("node_btrfs_device_size_bytes", "Size of a device that is part of the filesystem.",
          "uuid", "device");

/// A number of commits or milliseconds, and its line in commit_stats.
struct Commit {
  Metric<1> metric;
  std::string_view line;
  double divide;
};
constexpr Commit kCommits[] = {
    {counter("node_btrfs_commits_total", "The total number of commits that have occurred.", "uuid"),
     "commits", 1},
    {gauge("node_btrfs_last_commit_seconds", "Duration of the most recent commit, in seconds.",
           "uuid"),
     "last_commit_ms", 1000},
    {gauge("node_btrfs_max_commit_seconds", "Duration of the slowest commit, in seconds.", "uuid"),
     "max_commit_ms", 1000},
    {counter("node_btrfs_commit_seconds_total", "Sum of the duration of all commits, in seconds.",
             "uuid"),
     "total_commit_ms", 1000},
};
constexpr auto kMetrics = [] {
  std::array<MetricView, std::size(kCommits) + 7> metrics{kInfo, kReserve, kReserved,  kUsed,
                                                          kSize, kRatio,   kDeviceSize};
  std::ranges::copy(families(kCommits), metrics.begin() + 7);
  return metrics;
}();

/// How many bytes on the devices a byte of data takes: `copies`, or all devices of a stripe except
/// those for `parity` (fs/btrfs/volumes.c, btrfs_raid_array).
struct Layout {
  std::string_view name;
  double copies, parity;
};
constexpr Layout kLayouts[] = {{"single", 1, 0}, {"dup", 2, 0},     {"raid0", 1, 0},
                               {"raid1", 2, 0},  {"raid1c3", 3, 0}, {"raid1c4", 4, 0},
                               {"raid10", 2, 0}, {"raid5", 1, 1},   {"raid6", 1, 2}};

class Btrfs {
 public:
  explicit Btrfs(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& name : sys_.list("fs/btrfs")) {
      // Besides the file systems, named by their UUIDs, there is "features".
      if (name.find('-') != std::string::npos) collect(samples, "fs/btrfs/" + name + '/', name);
    }
  }

 private:
  void collect(Samples& samples, const std::string& directory, std::string uuid) {
    const auto own = sys_.line(directory + "metadata_uuid").value_or("");
    if (!own.empty()) uuid = own;
    samples.add(kInfo, 1, uuid, sys_.line(directory + "label").value_or(""));
    add(samples, kReserve, directory + "allocation/global_rsv_size", uuid);
    const auto devices = sys_.list(directory + "devices");
    for (const auto& device : devices) {
      if (const auto sectors = sys_.number(directory + "devices/" + device + "/size")) {
        samples.add(kDeviceSize, *sectors * kSector, uuid, device_name(device));
      }
    }
    for (const auto* type : {"data", "metadata", "system"}) {
      add_allocation(samples, directory + "allocation/" + type + '/', uuid, type, devices.size());
    }
    add_commits(samples, directory + "commit_stats", uuid);
  }

  void add_allocation(Samples& samples, const std::string& directory, const std::string& uuid,
                      const std::string& type, std::size_t device_count) {
    add(samples, kReserved, directory + "bytes_reserved", uuid, type);
    const auto devices = static_cast<double>(device_count);
    for (const auto& [layout, copies, parity] : kLayouts) {
      const auto of = directory + std::string(layout);
      if (!sys_.exists(of)) continue;
      add(samples, kUsed, of + "/used_bytes", uuid, type, layout);
      add(samples, kSize, of + "/total_bytes", uuid, type, layout);
      const auto ratio = parity > 0 ? devices / (devices - parity) : copies;
      samples.add(kRatio, ratio, uuid, type, layout);
    }
  }

  void add_commits(Samples& samples, const std::string& path, const std::string& uuid) {
    const auto text = sys_.read(path);  // since Linux 6.0
    Lines lines(sys_.path(path), text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      const auto name = next_word(line);
      for (const auto& [metric, of, divide] : kCommits) {
        if (of == name) samples.add(metric, lines.number(next_word(line)) / divide, uuid);
      }
    }
  }

  template <std::size_t N, class... Labels>
  void add(Samples& samples, const Metric<N>& metric, const std::string& path,
           const Labels&... labels) {
    if (const auto value = sys_.number(path)) samples.add(metric, *value, labels...);
  }

  static constexpr double kSector = 512;

  Files sys_;
};

}  // namespace

extern constinit const Module kBtrfs{"btrfs", Module::Default::on, kMetrics, {}, make<Btrfs>};

}  // namespace exporter::host
