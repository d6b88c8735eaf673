#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kSize =
    gauge("node_swap_size_bytes", "Swap device size in bytes.", "device", "swap_type");
constexpr auto kUsed =
    gauge("node_swap_used_bytes", "Swap device used in bytes.", "device", "swap_type");
constexpr auto kPriority =
    gauge("node_swap_priority", "Swap device priority.", "device", "swap_type");
constexpr MetricView kMetrics[] = {kSize, kUsed, kPriority};

class Swap {
 public:
  explicit Swap(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("swaps");
    if (!text) return;
    Lines lines(proc_.path("swaps"), *text);
    std::string_view line;
    lines.next(line);  // the header
    while (lines.next(line)) {
      const auto device = next_word(line), type = next_word(line);
      samples.add(kSize, static_cast<double>(lines.integer(next_word(line))) * 1024, device, type);
      samples.add(kUsed, static_cast<double>(lines.integer(next_word(line))) * 1024, device, type);
      samples.add(kPriority, lines.number(next_word(line)), device, type);
    }
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kSwap{"swap", Module::Default::off, kMetrics, {}, make<Swap>};

}  // namespace exporter::host
