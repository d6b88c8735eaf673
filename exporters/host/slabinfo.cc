#include "exporters/host/module.h"

namespace exporter::host {
namespace {

struct Column {
  Metric<1> metric;
};

/// The columns after the name (slabinfo(5), version 2.1).
constexpr Column kColumns[] = {
    {gauge("node_slabinfo_active_objects",
           "The number of objects that are currently active (i.e., in use).", "slab")},
    {gauge("node_slabinfo_objects",
           "The total number of allocated objects (i.e., objects that are both in use and not in "
           "use).",
           "slab")},
    {gauge("node_slabinfo_object_size_bytes", "The size of objects in this slab, in bytes.",
           "slab")},
    {gauge("node_slabinfo_objects_per_slab", "The number of objects stored in each slab.", "slab")},
    {gauge("node_slabinfo_pages_per_slab", "The number of pages allocated for each slab.", "slab")},
};
constexpr auto kMetrics = families(kColumns);

constexpr std::string_view kInclude = "collector.slabinfo.slabs-include";
constexpr std::string_view kExclude = "collector.slabinfo.slabs-exclude";
constexpr Flag kFlags[] = {
    {kInclude, ".*", "Regexp of slabs to include."},
    {kExclude, "", "Regexp of slabs to exclude."},
};

class Slabinfo {
 public:
  explicit Slabinfo(const Host& host)
      : proc_(host.proc()),
        include_(host.settings, kInclude, ""),
        exclude_(host.settings, "", kExclude) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("slabinfo");
    if (!text) return;
    Lines lines(proc_.path("slabinfo"), *text);
    for (std::string_view line; lines.next(line);) {
      if (line.starts_with("slabinfo -") || line.starts_with('#')) continue;
      const auto slab = next_word(line);
      if (!passes(slab)) continue;
      for (const auto& column : kColumns) {
        samples.add(column.metric, lines.number(next_word(line)), slab);
      }
    }
  }

 private:
  /// Unlike other flags of this kind, both may be set.
  bool passes(std::string_view name) const {
    return include_.passes(name) && exclude_.passes(name);
  }

  Files proc_;
  Filter include_, exclude_;
};

}  // namespace

extern constinit const Module kSlabinfo{"slabinfo", Module::Default::off, kMetrics, kFlags,
                                        make<Slabinfo>};

}  // namespace exporter::host
