#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kAvailable = gauge("node_entropy_available_bits", "Bits of available entropy.");
constexpr auto kPoolSize = gauge("node_entropy_pool_size_bits", "Bits of entropy pool.");
constexpr MetricView kMetrics[] = {kAvailable, kPoolSize};

class Entropy {
 public:
  explicit Entropy(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto available = proc_.number("sys/kernel/random/entropy_avail");
    if (available) samples.add(kAvailable, *available);
    const auto size = proc_.number("sys/kernel/random/poolsize");
    if (size) samples.add(kPoolSize, *size);
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kEntropy{"entropy", Module::Default::on, kMetrics, {}, make<Entropy>};

}  // namespace exporter::host
