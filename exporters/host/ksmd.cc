#include "exporters/host/module.h"

namespace exporter::host {
namespace {

/// A file below /sys/kernel/mm/ksm, Documentation/admin-guide/mm/ksm.rst.
struct Value {
  Metric<0> metric;
  std::string_view file;
  double divide = 1;
};
constexpr Value kValues[] = {
    {counter("node_ksmd_full_scans_total", "How many times all mergeable areas have been scanned."),
     "full_scans"},
    {gauge("node_ksmd_general_profit_bytes",
           "How effective is KSM. ksm_saved_pages * sizeof(page) - (all_rmap_items) * "
           "sizeof(rmap_item)"),
     "general_profit"},
    {gauge("node_ksmd_merge_across_nodes",
           "Specifies if pages from different NUMA nodes can be merged."),
     "merge_across_nodes"},
    {gauge("node_ksmd_pages_shared", "How many shared pages are being used."), "pages_shared"},
    {gauge("node_ksmd_pages_sharing", "How many more sites are sharing them i.e. how much saved."),
     "pages_sharing"},
    {gauge("node_ksmd_pages_to_scan", "How many pages to scan before ksmd goes to sleep."),
     "pages_to_scan"},
    {gauge("node_ksmd_pages_unshared", "How many pages unique but repeatedly checked for merging."),
     "pages_unshared"},
    {gauge("node_ksmd_pages_volatile", "How many pages changing too fast to be placed in a tree."),
     "pages_volatile"},
    {gauge("node_ksmd_run", "The status of ksmd. stopped = 0, running = 1"), "run"},
    {gauge("node_ksmd_sleep_seconds", "How many seconds ksmd should sleep before next scan."),
     "sleep_millisecs", 1000},
};
constexpr auto kMetrics = families(kValues);

class Ksmd {
 public:
  explicit Ksmd(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& [metric, file, divide] : kValues) {
      const auto value = sys_.number(std::string("kernel/mm/ksm/").append(file));
      if (value) samples.add(metric, *value / divide);
    }
  }

 private:
  Files sys_;
};

}  // namespace

extern constinit const Module kKsmd{"ksmd", Module::Default::off, kMetrics, {}, make<Ksmd>};

}  // namespace exporter::host
