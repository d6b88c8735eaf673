#include <algorithm>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include "exporters/host/module.h"
#include "exporters/host/mount_stats.h"
#include "exporters/host/mount_table.h"

namespace exporter::host {
namespace {

constexpr auto kDeviceError =
    gauge("node_filesystem_device_error",
          "Whether an error occurred while getting statistics for the given device.", "device",
          "mountpoint", "fstype");
constexpr auto kDeviceErrorWhy =
    gauge(kDeviceError.name, kDeviceError.help, "device", "mountpoint", "fstype", "device_error");
constexpr auto kReadonly = gauge("node_filesystem_readonly", "Filesystem read-only status.",
                                 "device", "mountpoint", "fstype");
constexpr auto kReadonlyWhy =
    gauge(kReadonly.name, kReadonly.help, "device", "mountpoint", "fstype", "device_error");
constexpr auto kSize = gauge("node_filesystem_size_bytes", "Filesystem size in bytes.", "device",
                             "mountpoint", "fstype");
constexpr auto kFree = gauge("node_filesystem_free_bytes", "Filesystem free space in bytes.",
                             "device", "mountpoint", "fstype");
constexpr auto kAvailable =
    gauge("node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.",
          "device", "mountpoint", "fstype");
constexpr auto kFiles = gauge("node_filesystem_files", "Filesystem total file nodes.", "device",
                              "mountpoint", "fstype");
constexpr auto kFilesFree = gauge("node_filesystem_files_free", "Filesystem total free file nodes.",
                                  "device", "mountpoint", "fstype");
constexpr auto kMountInfo = info("node_filesystem_mount_info", "Filesystem mount information.",
                                 "device", "major", "minor", "mountpoint");
constexpr MetricView kMetrics[] = {kDeviceErrorWhy, kReadonlyWhy, kSize,      kFree,
                                   kAvailable,      kFiles,       kFilesFree, kMountInfo};

constexpr Flag kFlags[] = {
    {"collector.filesystem.mount-points-exclude",
     "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)",
     "Regexp of mount points to exclude.", Flag::Kind::value,
     "collector.filesystem.ignored-mount-points"},
    {"collector.filesystem.mount-points-include", "",
     "Regexp of mount points to include, instead of an exclude."},
    {"collector.filesystem.fs-types-exclude",
     "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|"
     "mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|"
     "tracefs)$",
     "Regexp of file system types to exclude.", Flag::Kind::value,
     "collector.filesystem.ignored-fs-types"},
    {"collector.filesystem.fs-types-include", "",
     "Regexp of file system types to include, instead of an exclude."},
    {"collector.filesystem.mount-timeout", "400ms",
     "Timeout for all mounts together; a mount that does not respond is a device error."},
    {"collector.filesystem.stat-workers", "4",
     "Number of further mounts to read concurrently while one does not respond."},
};

/// Go's text, which node_exporter shows: "Permission denied" starts in lower case.
std::string error_text(int error) {
  auto text = std::generic_category().message(error);
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (text.size() > 1 && upper(text[0]) && !upper(text[1])) text[0] |= 0x20;
  return text;
}

class Filesystem {
 public:
  explicit Filesystem(const Host& host)
      : proc_(host.proc()),
        rootfs_(host.rootfs),
        // The first process has the machine's mounts; this one may be a service with a mount table
        // of its own from systemd, where everything is read-only. If processes are hidden
        // (hidepid), only the own table is left.
        table_(proc_.exists("1/mountinfo") ? "1/mountinfo" : "self/mountinfo"),
        mount_points_(host.settings, kFlags[1].name, kFlags[0].name),
        types_(host.settings, kFlags[3].name, kFlags[2].name),
        timeout_(host.settings.duration(kFlags[4].name)),
        statter_(host.settings.count(kFlags[5].name)) {
    host.settings.at_most_one_of(kFlags[1].name, kFlags[0].name);
    host.settings.at_most_one_of(kFlags[3].name, kFlags[2].name);
  }

  void collect(Samples& samples, const Deadline& deadline) {
    const auto text = proc_.read(table_);
    if (!text) return;
    if (*text != text_) {
      read_table(*text);
      text_ = *text;
    }
    const auto end = std::min(deadline.when(), Clock::now() + timeout_);
    const auto stats = statter_.stat(places_, end, deadline.stop());
    for (const auto& [mount, place] : mounts_) add(samples, mount, stats[place]);
  }

 private:
  struct Shown {
    Mount mount;
    std::size_t place;  ///< in places_
  };

  void read_table(std::string_view text);
  static void add(Samples& samples, const Mount& mount, const std::optional<MountStat>& stat);

  Files proc_;
  std::string rootfs_, table_, text_;
  Filter mount_points_, types_;
  std::chrono::milliseconds timeout_;
  MountStatter statter_;
  std::vector<Shown> mounts_;
  MountStatter::Mounts places_ = std::make_shared<const std::vector<MountPoint>>();
};

/// Several mounts at one place are all shown, with the same result: that of the topmost, the last
/// in the table.
void Filesystem::read_table(std::string_view text) {
  std::vector<Shown> mounts;
  std::vector<MountPoint> places;
  std::unordered_map<std::string, std::size_t> place_at;
  std::unordered_set<std::string> seen;
  Lines lines(proc_.path(table_), text);
  for (std::string_view line; lines.next(line);) {
    auto mount = parse_mount(lines, line);
    mount.mount_point = std::string(unrooted(rootfs_, mount.mount_point));
    if (!mount_points_.passes(mount.mount_point) || !types_.passes(mount.type)) continue;
    const auto [place, is_new] = place_at.emplace(mount.mount_point, places.size());
    if (is_new) places.push_back({0, rooted(rootfs_, mount.mount_point)});
    places[place->second].id = mount.id;
    const auto series = mount.device + '\0' + mount.mount_point + '\0' + mount.type;
    if (seen.insert(series).second) mounts.push_back({std::move(mount), place->second});
  }
  mounts_ = std::move(mounts);
  places_ = std::make_shared<const std::vector<MountPoint>>(std::move(places));
}

void Filesystem::add(Samples& samples, const Mount& mount, const std::optional<MountStat>& stat) {
  const double read_only = mount.read_only ? 1 : 0;
  if (!stat || stat->error != 0) {
    const auto why = stat ? error_text(stat->error) : "mountpoint timeout";
    samples.add(kDeviceErrorWhy, 1, mount.device, mount.mount_point, mount.type, why);
    samples.add(kReadonlyWhy, read_only, mount.device, mount.mount_point, mount.type, why);
    return;
  }
  const auto gauge = [&](const auto& metric, double value) {
    samples.add(metric, value, mount.device, mount.mount_point, mount.type);
  };
  gauge(kDeviceError, 0);
  gauge(kReadonly, read_only);
  gauge(kSize, stat->size_bytes);
  gauge(kFree, stat->free_bytes);
  gauge(kAvailable, stat->available_bytes);
  gauge(kFiles, stat->files);
  gauge(kFilesFree, stat->files_free);
  samples.add(kMountInfo, 1, mount.device, mount.major, mount.minor, mount.mount_point);
}

}  // namespace

extern constinit const Module kFilesystem{"filesystem", Module::Default::on, kMetrics, kFlags,
                                          make<Filesystem>};

}  // namespace exporter::host
