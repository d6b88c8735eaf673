#include <array>
#include <string>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

struct Field {
  std::string_view key;
  Metric<2> metric;
};

consteval Metric<2> zone_gauge(std::string_view name, std::string_view help) {
  return gauge(name, help, "node", "zone");
}
consteval Metric<2> zone_counter(std::string_view name, std::string_view help) {
  return counter(name, help, "node", "zone");
}

/// The fields of /proc/zoneinfo; those of a node are in its first zone.
constexpr Field kFields[] = {
    {"nr_free_pages",
     zone_gauge("node_zoneinfo_nr_free_pages", "Total number of free pages in the zone")},
    {"min", zone_gauge("node_zoneinfo_min_pages", "Zone watermark pages_min")},
    {"low", zone_gauge("node_zoneinfo_low_pages", "Zone watermark pages_low")},
    {"high", zone_gauge("node_zoneinfo_high_pages", "Zone watermark pages_high")},
    {"scanned", zone_gauge("node_zoneinfo_scanned_pages", "Pages scanned since last reclaim")},
    {"spanned",
     zone_gauge("node_zoneinfo_spanned_pages", "Total pages spanned by the zone, including holes")},
    {"present",
     zone_gauge("node_zoneinfo_present_pages", "Physical pages existing within the zone")},
    {"managed",
     zone_gauge("node_zoneinfo_managed_pages", "Present pages managed by the buddy system")},
    {"nr_active_anon", zone_gauge("node_zoneinfo_nr_active_anon_pages",
                                  "Number of anonymous pages recently more used")},
    {"nr_inactive_anon", zone_gauge("node_zoneinfo_nr_inactive_anon_pages",
                                    "Number of anonymous pages recently less used")},
    {"nr_isolated_anon",
     zone_gauge("node_zoneinfo_nr_isolated_anon_pages", "Temporary isolated pages from anon lru")},
    {"nr_anon_pages", zone_gauge("node_zoneinfo_nr_anon_pages",
                                 "Number of anonymous pages currently used by the system")},
    {"nr_anon_transparent_hugepages",
     zone_gauge("node_zoneinfo_nr_anon_transparent_hugepages",
                "Number of anonymous transparent huge pages currently used by the system")},
    {"nr_active_file",
     zone_gauge("node_zoneinfo_nr_active_file_pages", "Number of active pages with file-backing")},
    {"nr_inactive_file", zone_gauge("node_zoneinfo_nr_inactive_file_pages",
                                    "Number of inactive pages with file-backing")},
    {"nr_isolated_file",
     zone_gauge("node_zoneinfo_nr_isolated_file_pages", "Temporary isolated pages from file lru")},
    {"nr_file_pages", zone_gauge("node_zoneinfo_nr_file_pages", "Number of file pages")},
    {"nr_slab_reclaimable",
     zone_gauge("node_zoneinfo_nr_slab_reclaimable_pages", "Number of reclaimable slab pages")},
    {"nr_slab_unreclaimable",
     zone_gauge("node_zoneinfo_nr_slab_unreclaimable_pages", "Number of unreclaimable slab pages")},
    {"nr_mlock_stack",
     zone_gauge("node_zoneinfo_nr_mlock_stack_pages", "mlock()ed pages found and moved off LRU")},
    {"nr_kernel_stack", zone_gauge("node_zoneinfo_nr_kernel_stacks", "Number of kernel stacks")},
    {"nr_mapped", zone_gauge("node_zoneinfo_nr_mapped_pages", "Number of mapped pages")},
    {"nr_dirty", zone_gauge("node_zoneinfo_nr_dirty_pages", "Number of dirty pages")},
    {"nr_writeback", zone_gauge("node_zoneinfo_nr_writeback_pages", "Number of writeback pages")},
    {"nr_unevictable",
     zone_gauge("node_zoneinfo_nr_unevictable_pages", "Number of unevictable pages")},
    {"nr_shmem", zone_gauge("node_zoneinfo_nr_shmem_pages",
                            "Number of shmem pages (included tmpfs/GEM pages)")},
    {"nr_dirtied", zone_counter("node_zoneinfo_nr_dirtied_total", "Page dirtyings since bootup")},
    {"nr_written", zone_counter("node_zoneinfo_nr_written_total", "Page writings since bootup")},
    {"numa_hit", zone_counter("node_zoneinfo_numa_hit_total", "Allocated in intended node")},
    {"numa_miss", zone_counter("node_zoneinfo_numa_miss_total", "Allocated in non intended node")},
    {"numa_foreign",
     zone_counter("node_zoneinfo_numa_foreign_total", "Was intended here, hit elsewhere")},
    {"numa_interleave",
     zone_counter("node_zoneinfo_numa_interleave_total", "Interleaver preferred this zone")},
    {"numa_local", zone_counter("node_zoneinfo_numa_local_total", "Allocation from local node")},
    {"numa_other", zone_counter("node_zoneinfo_numa_other_total", "Allocation from other node")},
};
constexpr std::string_view kZoneLabels[] = {"node", "zone"};

/// The fields, followed by the array of pages that each zone protects from allocations that a
/// higher zone could serve.
constexpr auto kMetrics = [] {
  std::array<MetricView, std::size(kFields) + 1> metrics;
  for (std::size_t i = 0; i < std::size(kFields); ++i) metrics[i] = kFields[i].metric;
  metrics.back() = {MetricType::gauge, "node_zoneinfo_protection_<index>",
                    "Protection array <index>. field", kZoneLabels};
  return metrics;
}();

class Zoneinfo {
 public:
  explicit Zoneinfo(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("zoneinfo");
    if (!text) return;
    Lines lines(proc_.path("zoneinfo"), *text);
    std::string_view node, zone;
    for (std::string_view line; lines.next(line);) {
      const auto key = next_word(line);
      if (key == "Node") {
        node = trim(next_part(line, ','));
        next_word(line);  // "zone"
        zone = trim(line);
      } else if (key == "protection:") {
        add_protection(samples, lines, line, node, zone);
      } else {
        add_field(samples, lines, key, line, node, zone);
      }
    }
    if (samples.size() == 0) lines.fail("none of the expected counts");
  }

 private:
  static void add_field(Samples& samples, const Lines& lines, std::string_view key,
                        std::string_view rest, std::string_view node, std::string_view zone) {
    for (const auto& field : kFields) {
      if (key != field.key) continue;
      samples.add(field.metric, lines.number(next_word(rest)), node, zone);
      return;
    }
  }

  /// "(0, 2983, 32031)".
  static void add_protection(Samples& samples, const Lines& lines, std::string_view text,
                             std::string_view node, std::string_view zone) {
    text = trim(text);
    if (!text.starts_with('(') || !text.ends_with(')')) lines.fail("expected (a, b)");
    text = text.substr(1, text.size() - 2);
    for (int i = 0; !text.empty(); ++i) {
      const auto index = std::to_string(i);
      samples.add_named(MetricType::gauge, "node_zoneinfo_protection_" + index,
                        "Protection array " + index + ". field",
                        lines.number(trim(next_part(text, ','))), {{"node", node}, {"zone", zone}});
    }
  }

  Files proc_;
};

}  // namespace

extern constinit const Module kZoneinfo{
    "zoneinfo", Module::Default::off, kMetrics, {}, make<Zoneinfo>};

}  // namespace exporter::host
