#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kEntries =
    gauge("node_nf_conntrack_entries",
          "Number of currently allocated flow entries for connection tracking.");
constexpr auto kLimit =
    gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.");

/// A statistic, and its column in /proc/net/stat/nf_conntrack.
struct Statistic {
  Metric<0> metric;
  std::string_view column;
};

constexpr Statistic kStatistics[] = {
    {gauge("node_nf_conntrack_stat_found", "Number of searched entries which were successful."),
     "found"},
    {gauge("node_nf_conntrack_stat_invalid", "Number of packets seen which can not be tracked."),
     "invalid"},
    {gauge("node_nf_conntrack_stat_ignore",
           "Number of packets seen which are already connected to a conntrack entry."),
     "ignore"},
    {gauge("node_nf_conntrack_stat_insert", "Number of entries inserted into the list."), "insert"},
    {gauge("node_nf_conntrack_stat_insert_failed",
           "Number of entries for which list insertion was attempted but failed."),
     "insert_failed"},
    {gauge("node_nf_conntrack_stat_drop", "Number of packets dropped due to conntrack failure."),
     "drop"},
    {gauge("node_nf_conntrack_stat_early_drop",
           "Number of dropped conntrack entries to make room for new ones, if maximum table size "
           "was reached."),
     "early_drop"},
    {gauge("node_nf_conntrack_stat_search_restart",
           "Number of conntrack table lookups which had to be restarted due to hashtable "
           "resizes."),
     "search_restart"},
};
constexpr auto kMetrics = [] {
  std::array<MetricView, std::size(kStatistics) + 2> metrics{kEntries, kLimit};
  std::ranges::copy(families(kStatistics), metrics.begin() + 2);
  return metrics;
}();

class Conntrack {
 public:
  explicit Conntrack(const Host& host)
      : proc_(host.proc()),
        has_own_(host.self() == "self" || host.own_network()),
        path_(host.network("stat/nf_conntrack")),
        old_path_(host.network("stat/ip_conntrack")) {}

  void collect(Samples& samples, const Deadline&) {
    const auto entries = sum_statistics(samples);
    // Below any /proc/sys/net a process sees only its own network.
    const auto own = has_own_ ? first_of({"sys/net/netfilter/nf_conntrack_count",
                                          "sys/net/ipv4/netfilter/ip_conntrack_count"})
                              : std::nullopt;
    if (own || entries) samples.add(kEntries, own ? *own : *entries);
    const auto limit =
        first_of({"sys/net/netfilter/nf_conntrack_max", "sys/net/nf_conntrack_max",
                  "sys/net/ipv4/netfilter/ip_conntrack_max", "sys/net/ipv4/ip_conntrack_max"});
    if (limit) samples.add(kLimit, *limit);
  }

 private:
  /// The kernel may have only the names from before 4.9 (CONFIG_NF_CONNTRACK_PROC_COMPAT).
  std::optional<double> first_of(std::initializer_list<std::string_view> paths) {
    for (const auto path : paths) {
      if (const auto value = proc_.number(path)) return value;
    }
    return std::nullopt;
  }

  /// Adds the sums over the lines, one for each CPU; returns the number of entries, which all lines
  /// repeat.
  std::optional<double> sum_statistics(Samples& samples) {
    const auto& path = proc_.exists(path_) ? path_ : old_path_;
    const auto text = proc_.read_filled(path);
    if (!text) return std::nullopt;
    Lines lines(proc_.path(path), *text);
    std::string_view names, line;
    lines.next(names);
    const bool has_entries = next_word(names) == "entries";
    std::array<std::optional<std::uint64_t>, kMostColumns> sums;
    std::optional<double> entries;
    while (lines.next(line)) {
      const auto count = lines.integer(next_word(line), 16);
      if (has_entries) entries = static_cast<double>(count);
      auto sum = sums.begin();
      for (auto word = next_word(line); !word.empty() && sum != sums.end(); ++sum) {
        *sum = sum->value_or(0) + lines.integer(word, 16);
        word = next_word(line);
      }
    }
    for (const auto& sum : sums) {
      const auto name = next_word(names);
      for (const auto& [metric, column] : kStatistics) {
        if (column == name && sum) samples.add(metric, static_cast<double>(*sum));
      }
    }
    return entries;
  }

  static constexpr std::size_t kMostColumns = 31;

  Files proc_;
  bool has_own_;  ///< the sysctl in this procfs belongs to the host's network
  std::string path_, old_path_;
};

}  // namespace

extern constinit const Module kConntrack{
    "conntrack", Module::Default::on, kMetrics, {}, make<Conntrack>};

}  // namespace exporter::host
