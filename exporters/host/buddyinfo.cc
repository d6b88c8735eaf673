#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kBlocks = gauge("node_buddyinfo_blocks", "Count of free blocks according to size.",
                               "node", "zone", "size");
constexpr MetricView kMetrics[] = {kBlocks};

class Buddyinfo {
 public:
  explicit Buddyinfo(const Host& host) : proc_(host.proc()) {}

  /// "Node 0, zone   Normal    120     31 ...": the free blocks of 1, 2, 4 ... pages.
  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("buddyinfo");
    if (!text) return;
    Lines lines(proc_.path("buddyinfo"), *text);
    for (std::string_view line; lines.next(line);) {
      const auto name = next_word(line);
      auto number = next_word(line);
      const auto zone_word = next_word(line), zone = next_word(line);
      const auto node = next_part(number, ',');
      if (name != "Node" || zone_word != "zone" || zone.empty()) {
        lines.fail("expected \"Node N, zone NAME\"");
      }
      int order = 0;
      for (auto count = next_word(line); !count.empty(); count = next_word(line), ++order) {
        samples.add(kBlocks, static_cast<double>(lines.integer(count)), node, zone,
                    std::to_string(order));
      }
    }
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kBuddyinfo{
    "buddyinfo", Module::Default::off, kMetrics, {}, make<Buddyinfo>};

}  // namespace exporter::host
