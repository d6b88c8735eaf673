#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kTasks =
    counter("node_kernel_hung_tasks_total",
            "Total number of tasks that have been detected as hung since the system booted.");
constexpr MetricView kMetrics[] = {kTasks};

class KernelHung {
 public:
  explicit KernelHung(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto count = proc_.number("sys/kernel/hung_task_detect_count");
    if (count) samples.add(kTasks, *count);
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kKernelHung{
    "kernel_hung", Module::Default::on, kMetrics, {}, make<KernelHung>};

}  // namespace exporter::host
