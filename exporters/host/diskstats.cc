#include "exporters/host/block_names.h"
#include "exporters/host/module.h"
#include "exporters/host/udev.h"

namespace exporter::host {
namespace {

constexpr auto kInfo =
    info("node_disk_info", "Info of /sys/block/<block_device>.", "device", "major", "minor", "path",
         "wwn", "model", "serial", "revision", "rotational");
constexpr auto kFilesystemInfo = info("node_disk_filesystem_info", "Info about disk filesystem.",
                                      "device", "type", "usage", "uuid", "version");
constexpr auto kMapperInfo = info("node_disk_device_mapper_info", "Info about disk device mapper.",
                                  "device", "name", "uuid", "vg_name", "lv_name", "lv_layer");

/// A column of /proc/diskstats (Documentation/admin-guide/iostats.rst), and its divisor.
struct Statistic {
  Metric<1> metric;
  double multiply = 1, divide = 1;
};
constexpr double kSector = 512, kMilliseconds = 1000;

constexpr Statistic kStatistics[] = {
    {counter("node_disk_reads_completed_total", "The total number of reads completed successfully.",
             "device")},
    {counter("node_disk_reads_merged_total", "The total number of reads merged.", "device")},
    {counter("node_disk_read_bytes_total", "The total number of bytes read successfully.",
             "device"),
     kSector},
    {counter("node_disk_read_time_seconds_total", "The total number of seconds spent by all reads.",
             "device"),
     1, kMilliseconds},
    {counter("node_disk_writes_completed_total",
             "The total number of writes completed successfully.", "device")},
    {counter("node_disk_writes_merged_total", "The number of writes merged.", "device")},
    {counter("node_disk_written_bytes_total", "The total number of bytes written successfully.",
             "device"),
     kSector},
    {counter("node_disk_write_time_seconds_total",
             "This is the total number of seconds spent by all writes.", "device"),
     1, kMilliseconds},
    {gauge("node_disk_io_now", "The number of I/Os currently in progress.", "device")},
    {counter("node_disk_io_time_seconds_total", "Total seconds spent doing I/Os.", "device"), 1,
     kMilliseconds},
    {counter("node_disk_io_time_weighted_seconds_total",
             "The weighted # of seconds spent doing I/Os.", "device"),
     1, kMilliseconds},
    {counter("node_disk_discards_completed_total",
             "The total number of discards completed successfully.", "device")},
    {counter("node_disk_discards_merged_total", "The total number of discards merged.", "device")},
    {counter("node_disk_discarded_sectors_total",
             "The total number of sectors discarded successfully.", "device")},
    {counter("node_disk_discard_time_seconds_total",
             "This is the total number of seconds spent by all discards.", "device"),
     1, kMilliseconds},
    {counter("node_disk_flush_requests_total",
             "The total number of flush requests completed successfully.", "device")},
    {counter("node_disk_flush_requests_time_seconds_total",
             "This is the total number of seconds spent by all flush requests.", "device"),
     1, kMilliseconds},
};

/// A gauge, and the udev property that it shows.
struct AtaProperty {
  Metric<1> metric;
  std::string_view property;
};
constexpr AtaProperty kAta[] = {
    {gauge("node_disk_ata_write_cache", "ATA disk has a write cache.", "device"),
     "ID_ATA_WRITE_CACHE"},
    {gauge("node_disk_ata_write_cache_enabled", "ATA disk has its write cache enabled.", "device"),
     "ID_ATA_WRITE_CACHE_ENABLED"},
    {gauge("node_disk_ata_rotation_rate_rpm", "ATA disk rotation rate in RPMs (0 for SSDs).",
           "device"),
     "ID_ATA_ROTATION_RATE_RPM"},
};

constexpr auto kMetrics = [] {
  constexpr std::size_t kOthers = 3, kCount = std::size(kStatistics);
  std::array<MetricView, kOthers + kCount + std::size(kAta)> metrics{kInfo, kFilesystemInfo,
                                                                     kMapperInfo};
  std::ranges::copy(families(kStatistics), metrics.begin() + kOthers);
  std::ranges::copy(families(kAta), metrics.begin() + kOthers + kCount);
  return metrics;
}();

constexpr Flag kInclude{"collector.diskstats.device-include", "",
                        "Regexp of diskstats devices to include (not with device-exclude)."};
constexpr Flag kExclude{"collector.diskstats.device-exclude",
                        "^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$",
                        "Regexp of diskstats devices to exclude (not with device-include).",
                        Flag::Kind::value, "collector.diskstats.ignored-devices"};
constexpr Flag kFlags[] = {kInclude, kExclude};

class Diskstats {
 public:
  explicit Diskstats(const Host& host)
      : proc_(host.proc()),
        sys_(host.sys()),
        udev_(host.udev_data),
        filter_(host.settings, kInclude.name, kExclude.name) {
    host.settings.at_most_one_of(kInclude.name, kExclude.name);
  }

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read("diskstats");
    Lines lines(proc_.path("diskstats"), text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      const auto major = next_word(line), minor = next_word(line), device = next_word(line);
      if (device.empty()) lines.fail("expected major, minor and name");
      if (!filter_.passes(device) || is_old_partition(line)) continue;
      add_statistics(samples, lines, device, line);
      add_properties(samples, device, major, minor);
    }
  }

 private:
  /// Before Linux 2.6.25 a partition has 4 columns, which count issued and not completed requests
  /// (Documentation/iostats.txt).
  static bool is_old_partition(std::string_view columns) {
    std::size_t count = 0;
    while (!next_word(columns).empty()) ++count;
    return count == 4;
  }

  static void add_statistics(Samples& samples, const Lines& lines, std::string_view device,
                             std::string_view columns) {
    std::size_t count = 0;
    for (const auto& [metric, multiply, divide] : kStatistics) {
      const auto column = next_word(columns);
      if (column.empty()) break;
      samples.add(metric, lines.number(column) * multiply / divide, device);
      ++count;
    }
    if (count < kFewest) lines.fail("expected at least 14 columns");
  }

  void add_properties(Samples& samples, std::string_view device, std::string_view major,
                      std::string_view minor) {
    // Partitions have no queue.
    const auto rotational =
        sys_.line("block/" + sys_name(std::string(device)) + "/queue/rotational").value_or("0");
    const auto udev = udev_.properties(major, minor);
    const auto serial = udev.first_of({"SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"});
    samples.add(kInfo, 1, device, major, minor, udev["ID_PATH"], udev["ID_WWN"], udev["ID_MODEL"],
                serial, udev["ID_REVISION"], rotational == "1" ? "1" : "0");
    if (const auto type = udev["ID_FS_TYPE"]; !type.empty()) {
      samples.add(kFilesystemInfo, 1, device, type, udev["ID_FS_USAGE"], udev["ID_FS_UUID"],
                  udev["ID_FS_VERSION"]);
    }
    if (const auto name = udev["DM_NAME"]; !name.empty()) {
      samples.add(kMapperInfo, 1, device, name, udev["DM_UUID"], udev["DM_VG_NAME"],
                  udev["DM_LV_NAME"], udev["DM_LV_LAYER"]);
    }
    if (udev["ID_ATA"].empty()) return;
    for (const auto& [metric, property] : kAta) {
      if (const auto value = parse_number<double>(udev[property])) {
        samples.add(metric, *value, device);
      }
    }
  }

  static constexpr std::size_t kFewest = 11;  // kernels before 4.18

  Files proc_, sys_;
  Udev udev_;
  Filter filter_;
};

}  // namespace

extern constinit const Module kDiskstats{"diskstats", Module::Default::on, kMetrics, kFlags,
                                         make<Diskstats>};

}  // namespace exporter::host
