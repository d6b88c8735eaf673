#include <map>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kEntries = gauge("node_arp_entries", "ARP entries by device.", "device");
constexpr MetricView kMetrics[] = {kEntries};

constexpr Flag kInclude{"collector.arp.device-include", "",
                        "Regexp of arp devices to include (not together with device-exclude)."};
constexpr Flag kExclude{"collector.arp.device-exclude", "",
                        "Regexp of arp devices to exclude (not together with device-include)."};
constexpr Flag kNetlink{
    "collector.arp.netlink", "true",
    "Accepted for compatibility with node_exporter; the entries are the same either way.",
    Flag::Kind::boolean};
constexpr Flag kFlags[] = {kInclude, kExclude, kNetlink};

/// The columns of /proc/net/arp; the last one is the device. For a device without hardware
/// addresses (a tunnel) that column is empty.
constexpr int kColumns = 6;

class Arp {
 public:
  explicit Arp(const Host& host)
      : proc_(host.proc()),
        path_(host.network("arp")),
        filter_(host.settings, kInclude.name, kExclude.name) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled(path_);
    if (!text) return;
    std::map<std::string_view, std::size_t> entries;
    Lines lines(proc_.path(path_), *text);
    std::string_view line;
    lines.next(line);  // the header
    while (lines.next(line)) {
      int count = 0;
      std::string_view device;
      for (auto word = next_word(line); !word.empty(); word = next_word(line), ++count)
        device = word;
      if (count < kColumns - 1) lines.fail("expected six columns");
      ++entries[device];
    }
    for (const auto& [device, count] : entries) {
      if (filter_.passes(device)) samples.add(kEntries, static_cast<double>(count), device);
    }
  }

 private:
  Files proc_;
  std::string path_;
  Filter filter_;
};

}  // namespace

extern constinit const Module kArp{"arp", Module::Default::on, kMetrics, kFlags, make<Arp>};

}  // namespace exporter::host
