#include <cmath>
#include <initializer_list>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

/// A number, and its file below the directory of its object (Documentation/admin-guide/bcache.rst).
template <std::size_t Labels>
struct Value {
  Metric<Labels> metric;
  std::string_view file;
  double factor = 1;
};
constexpr Value<1> kOfSet[] = {
    {gauge("node_bcache_average_key_size_sectors", "Average data per key in the btree (sectors).",
           "uuid"),
     "average_key_size"},
    {gauge("node_bcache_btree_cache_size_bytes",
           "Amount of memory currently used by the btree cache.", "uuid"),
     "btree_cache_size"},
    {gauge("node_bcache_cache_available_percent",
           "Percentage of cache device without dirty data, usable for writeback (may contain clean "
           "cached data).",
           "uuid"),
     "cache_available_percent"},
    {gauge("node_bcache_congested", "Congestion.", "uuid"), "congested"},
    {gauge("node_bcache_root_usage_percent",
           "Percentage of the root btree node in use (tree depth increases if too high).", "uuid"),
     "root_usage_percent"},
    {gauge("node_bcache_tree_depth", "Depth of the btree.", "uuid"), "tree_depth"},
    {gauge("node_bcache_active_journal_entries",
           "Number of journal entries that are newer than the index.", "uuid"),
     "internal/active_journal_entries"},
    {gauge("node_bcache_btree_nodes", "Total nodes in the btree.", "uuid"), "internal/btree_nodes"},
    {gauge("node_bcache_btree_read_average_duration_seconds", "Average btree read duration.",
           "uuid"),
     "internal/btree_read_average_duration_us", 1e-6},
    {counter("node_bcache_cache_read_races_total",
             "Counts instances where while data was being read from the cache, the bucket was "
             "reused and invalidated - i.e. where the pointer was stale after the read completed.",
             "uuid"),
     "internal/cache_read_races"},
};
constexpr Value<2> kOfBacking[] = {
    {gauge("node_bcache_dirty_data_bytes",
           "Amount of dirty data for this backing device in the cache.", "uuid", "backing_device"),
     "dirty_data"},
    {counter("node_bcache_bypassed_bytes_total",
             "Amount of IO (both reads and writes) that has bypassed the cache.", "uuid",
             "backing_device"),
     "stats_total/bypassed"},
    {counter("node_bcache_cache_hits_total", "Hits counted per individual IO as bcache sees them.",
             "uuid", "backing_device"),
     "stats_total/cache_hits"},
    {counter("node_bcache_cache_misses_total",
             "Misses counted per individual IO as bcache sees them.", "uuid", "backing_device"),
     "stats_total/cache_misses"},
    {counter("node_bcache_cache_bypass_hits_total", "Hits for IO intended to skip the cache.",
             "uuid", "backing_device"),
     "stats_total/cache_bypass_hits"},
    {counter("node_bcache_cache_bypass_misses_total", "Misses for IO intended to skip the cache.",
             "uuid", "backing_device"),
     "stats_total/cache_bypass_misses"},
    {counter("node_bcache_cache_miss_collisions_total",
             "Instances where data insertion from cache miss raced with write (data already "
             "present).",
             "uuid", "backing_device"),
     "stats_total/cache_miss_collisions"},
    {counter("node_bcache_cache_readaheads_total", "Count of times readahead occurred.", "uuid",
             "backing_device"),
     "stats_total/cache_readaheads"},
};
/// A line of a backing device's writeback_rate_debug.
constexpr Value<2> kOfWriteback[] = {
    {gauge("node_bcache_dirty_target_bytes",
           "Current dirty data target threshold for this backing device in bytes.", "uuid",
           "backing_device"),
     "target"},
    {gauge("node_bcache_writeback_rate", "Current writeback rate for this backing device in bytes.",
           "uuid", "backing_device"),
     "rate"},
    {gauge("node_bcache_writeback_rate_proportional_term",
           "Current result of proportional controller, part of writeback rate", "uuid",
           "backing_device"),
     "proportional"},
    {gauge("node_bcache_writeback_rate_integral_term",
           "Current result of integral controller, part of writeback rate", "uuid",
           "backing_device"),
     "integral"},
    {gauge("node_bcache_writeback_change",
           "Last writeback rate change step for this backing device.", "uuid", "backing_device"),
     "change"},
};
constexpr Value<2> kOfCache[] = {
    {gauge("node_bcache_io_errors",
           "Number of errors that have occurred, decayed by io_error_halflife.", "uuid",
           "cache_device"),
     "io_errors"},
    {counter("node_bcache_metadata_written_bytes_total",
             "Sum of all non data writes (btree writes and all other metadata).", "uuid",
             "cache_device"),
     "metadata_written"},
    {counter("node_bcache_written_bytes_total",
             "Sum of all data that has been written to the cache.", "uuid", "cache_device"),
     "written"},
};
/// A line of a cache's priority_stats.
constexpr Value<2> kOfPriority[] = {
    {gauge("node_bcache_priority_stats_unused_percent",
           "The percentage of the cache that doesn't contain any data.", "uuid", "cache_device"),
     "Unused"},
    {gauge("node_bcache_priority_stats_metadata_percent", "Bcache's metadata overhead.", "uuid",
           "cache_device"),
     "Metadata"},
};

template <std::size_t... N>
constexpr auto joined_views(const std::array<MetricView, N>&... lists) {
  std::array<MetricView, (N + ...)> all{};
  auto end = all.begin();
  ((end = std::ranges::copy(lists, end).out), ...);
  return all;
}
constexpr auto kMetrics =
    joined_views(families(kOfSet), families(kOfBacking), families(kOfWriteback), families(kOfCache),
                 families(kOfPriority));

constexpr std::string_view kPriorityStats = "collector.bcache.priorityStats";
constexpr Flag kFlags[] = {
    {kPriorityStats, "false", "Expose expensive priority stats.", Flag::Kind::boolean}};

constexpr std::string_view kRoot = "fs/bcache/";

/// "1.2M", with steps of 1024, as bch_hprint() of the kernel writes it, or a plain number.
double parse_size(const Lines& lines, std::string_view text) {
  constexpr std::string_view kUnits = "kMGTPEZY";
  const auto unit = text.empty() ? kUnits.npos : kUnits.find(text.back());
  if (unit == kUnits.npos) return lines.number(text);
  return lines.number(text.substr(0, text.size() - 1)) *
         std::exp2(10.0 * static_cast<double>(unit + 1));
}

class Bcache {
 public:
  explicit Bcache(const Host& host)
      : sys_(host.sys()), has_priority_(host.settings.enabled(kPriorityStats)) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& uuid : sys_.list(kRoot)) {
      if (uuid.find('-') == uuid.npos) continue;  // "register" and the like
      const auto directory = std::string(kRoot) + uuid + '/';
      for (const auto& value : kOfSet) add(samples, value, directory, uuid);
      for (const auto& name : sys_.list(directory)) {
        if (is_numbered(name, "bdev")) add_backing(samples, directory + name + '/', uuid, name);
        if (is_numbered(name, "cache")) add_cache(samples, directory + name + '/', uuid, name);
      }
    }
  }

 private:
  static bool is_numbered(std::string_view name, std::string_view prefix) {
    return name.starts_with(prefix) && parse_number<unsigned>(name.substr(prefix.size()));
  }

  void add_backing(Samples& samples, const std::string& directory, const std::string& uuid,
                   const std::string& name) {
    for (const auto& value : kOfBacking) add(samples, value, directory, uuid, name);
    add_lines(samples, directory + "writeback_rate_debug", "/sec", kOfWriteback, uuid, name);
  }

  void add_cache(Samples& samples, const std::string& directory, const std::string& uuid,
                 const std::string& name) {
    for (const auto& value : kOfCache) add(samples, value, directory, uuid, name);
    if (has_priority_) {
      add_lines(samples, directory + "priority_stats", "%", kOfPriority, uuid, name);
    }
  }

  template <std::size_t N, class... Labels>
  void add(Samples& samples, const Value<N>& value, const std::string& directory,
           const Labels&... labels) {
    const auto path = directory + std::string(value.file);
    const auto text = sys_.line(path);
    if (!text || text->empty()) return;
    Lines lines(sys_.path(path), *text);
    std::string_view line;
    lines.next(line);
    samples.add(value.metric, parse_size(lines, line) * value.factor, labels...);
  }

  /// Lines like "rate:  1.5M/sec"; `unit` follows some of the numbers.
  template <std::size_t N, class... Labels>
  void add_lines(Samples& samples, const std::string& path, std::string_view unit,
                 const Value<2> (&values)[N], const Labels&... labels) {
    const auto text = sys_.read(path);
    Lines lines(sys_.path(path), text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      const auto name = trim(next_part(line, ':'));
      for (const auto& [metric, of, factor] : values) {
        if (of != name) continue;
        auto number = trim(line);
        if (number.ends_with(unit)) number.remove_suffix(unit.size());
        samples.add(metric, parse_size(lines, number) * factor, labels...);
      }
    }
  }

  Files sys_;
  bool has_priority_;
};

}  // namespace

extern constinit const Module kBcache{"bcache", Module::Default::on, kMetrics, kFlags,
                                      make<Bcache>};

}  // namespace exporter::host
