#include <optional>
#include <vector>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kState = gauge("node_zfs_zpool_state", "kstat.zfs.misc.state", "zpool", "state");

// The fields come from the kstats (module/os/linux/spl/spl-kstat.c); OpenZFS adds new names over
// time.
constexpr std::string_view kPool[] = {"zpool"};
constexpr std::string_view kDataset[] = {"zpool", "dataset"};
constexpr MetricView kMetrics[] = {
    kState,
    {MetricType::untyped, "node_zfs_<statistic>", "kstat.zfs.misc.<file>.<field>", {}},
    {MetricType::untyped, "node_zfs_zpool_<field>", "kstat.zfs.misc.io.<field>", kPool},
    {MetricType::untyped, "node_zfs_zpool_dataset_<field>", "kstat.zfs.misc.objset.<field>",
     kDataset},
};

constexpr std::string_view kRoot = "spl/kstat/zfs/";
constexpr std::string_view kStates[] = {"online",  "degraded", "faulted",  "offline",
                                        "removed", "unavail",  "suspended"};

/// A kstat of the whole module, and the prefix for its fields.
struct Statistics {
  std::string_view file, prefix;
};
constexpr Statistics kStatistics[] = {
    {"abdstats", "abd"},
    {"arcstats", "arc"},
    {"dbufstats", "dbuf"},
    {"dmu_tx", "dmu_tx"},
    {"dnodestats", "dnode"},
    {"fm", "fm"},
    {"vdev_cache_stats", "vdev_cache"},
    {"vdev_mirror_stats", "vdev_mirror"},
    {"xuio_stats", "xuio"},
    {"zfetchstats", "zfetch"},
    {"zil", "zil"},
};

// KSTAT_DATA_INT64 and KSTAT_DATA_UINT64, the types of numbers.
constexpr std::string_view kSigned = "3", kUnsigned = "4";

std::string metric_name(std::string_view prefix, std::string_view field) {
  std::string name = "node_zfs_";
  name.append(prefix).append("_");
  for (const char c : field)
    name += valid_metric_name(std::string_view(&c, 1)) || (c >= '0' && c <= '9') ? c : '_';
  return name;
}

/// Skips the lines before the fields of a named kstat; false if there are none.
bool skip_heading(Lines& lines) {
  for (std::string_view line; lines.next(line);) {
    if (next_word(line) == "name" && next_word(line) == "type" && next_word(line) == "data") {
      return true;
    }
  }
  return false;
}

class Zfs {
 public:
  explicit Zfs(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& statistics : kStatistics) add_statistics(samples, statistics);
    for (const auto& pool : proc_.list(kRoot)) {
      const auto directory = std::string(kRoot) + pool + '/';
      add_io(samples, directory + "io", pool);
      for (const auto& file : proc_.list(directory)) {
        if (file.starts_with("objset-")) add_dataset(samples, directory + file, pool);
      }
      add_state(samples, directory + "state", pool);
    }
  }

 private:
  void add_statistics(Samples& samples, const Statistics& statistics) {
    const auto path = std::string(kRoot).append(statistics.file);
    const auto text = proc_.read(path);
    if (!text) return;
    Lines lines(proc_.path(path), *text);
    if (!skip_heading(lines)) lines.fail("expected the heading \"name type data\"");
    for (std::string_view line; lines.next(line);) {
      const auto field = next_word(line), type = next_word(line), data = next_word(line);
      const auto value = type == kUnsigned ? static_cast<double>(lines.integer(data))
                         : type == kSigned ? lines.number(data)
                                           : std::optional<double>();
      if (!value) continue;
      help_ = "kstat.zfs.misc.";
      help_.append(statistics.file).append(".").append(field);
      samples.add_named(MetricType::untyped, metric_name(statistics.prefix, field), help_, *value);
    }
  }

  /// The header names the numbers below it. Removed in OpenZFS 2.0, where pools have their numbers
  /// in the kstats of their datasets.
  void add_io(Samples& samples, const std::string& path, const std::string& pool) {
    const auto text = proc_.read_once(path);
    if (!text) return;
    Lines lines(proc_.path(path), *text);
    std::string_view names, values;
    while (lines.next(names) && !names.starts_with("nread ")) {
    }
    if (!lines.next(values)) return;
    for (auto field = next_word(names); !field.empty(); field = next_word(names)) {
      help_ = "kstat.zfs.misc.io.";
      help_.append(field);
      samples.add_named(MetricType::untyped, metric_name("zpool", field), help_,
                        static_cast<double>(lines.integer(next_word(values))), {{"zpool", pool}});
    }
  }

  void add_dataset(Samples& samples, const std::string& path, const std::string& pool) {
    const auto text = proc_.read_once(path);
    if (!text) return;
    Lines lines(proc_.path(path), *text);
    if (!skip_heading(lines)) lines.fail("expected the heading \"name type data\"");
    std::string dataset;
    for (std::string_view line; lines.next(line);) {
      const auto field = next_word(line), type = next_word(line);
      if (field == "dataset_name") {
        dataset = trim(line);  // may contain blanks
        continue;
      }
      if (type != kUnsigned) continue;
      help_ = "kstat.zfs.misc.objset.";
      help_.append(field);
      samples.add_named(MetricType::untyped, metric_name("zpool_dataset", field), help_,
                        static_cast<double>(lines.integer(next_word(line))),
                        {{"zpool", pool}, {"dataset", dataset}});
    }
  }

  void add_state(Samples& samples, const std::string& path, const std::string& pool) {
    const auto text = proc_.read_once(path);
    if (!text) return;
    const auto current = to_lower(trim(*text));
    for (const auto state : kStates) samples.add(kState, current == state ? 1 : 0, pool, state);
  }

  Files proc_;
  std::string help_;
};

}  // namespace

extern constinit const Module kZfs{"zfs", Module::Default::on, kMetrics, {}, make<Zfs>};

}  // namespace exporter::host
