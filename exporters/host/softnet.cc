#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kProcessed =
    counter("node_softnet_processed_total", "Number of processed packets.", "cpu");
constexpr auto kDropped =
    counter("node_softnet_dropped_total", "Number of dropped packets.", "cpu");
constexpr auto kSqueezed = counter("node_softnet_times_squeezed_total",
                                   "Number of times processing packets ran out of quota.", "cpu");
constexpr auto kCollision =
    counter("node_softnet_cpu_collision_total",
            "Number of collisions while obtaining the device lock for transmitting.", "cpu");
constexpr auto kReceivedRps = counter("node_softnet_received_rps_total",
                                      "Number of times the CPU was woken up to receive.", "cpu");
constexpr auto kFlowLimit = counter("node_softnet_flow_limit_count_total",
                                    "Number of times the flow limit has been reached.", "cpu");
constexpr auto kBacklog = gauge("node_softnet_backlog_len", "Length of the backlog.", "cpu");
constexpr MetricView kMetrics[] = {kProcessed,   kDropped,   kSqueezed, kCollision,
                                   kReceivedRps, kFlowLimit, kBacklog};

/// Their positions in a line. Older kernels have fewer columns, and the lines are in the order of
/// CPUs.
constexpr std::size_t kFewest = 9, kIndex = 12, kMost = 16;

class Softnet {
 public:
  explicit Softnet(const Host& host) : proc_(host.proc()), path_(host.network("softnet_stat")) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled(path_);
    Lines lines(proc_.path(path_), text.value_or(""));
    std::string_view line;
    for (std::uint64_t number = 0; lines.next(line); ++number) {
      std::array<std::uint64_t, kMost> columns{};
      std::size_t count = 0;
      for (auto word = next_word(line); !word.empty() && count < kMost; word = next_word(line)) {
        columns[count++] = lines.integer(word, 16);
      }
      if (count < kFewest) lines.fail("expected at least 9 columns");
      const auto cpu = std::to_string(count > kIndex ? columns[kIndex] : number);
      write(samples, columns, cpu);
    }
  }

 private:
  static void write(Samples& samples, const std::array<std::uint64_t, kMost>& columns,
                    const std::string& cpu) {
    const auto add = [&](const Metric<1>& metric, std::size_t column) {
      samples.add(metric, static_cast<double>(columns[column]), cpu);
    };
    add(kProcessed, 0);
    add(kDropped, 1);
    add(kSqueezed, 2);
    add(kCollision, 8);
    add(kReceivedRps, 9);
    add(kFlowLimit, 10);
    add(kBacklog, 11);
  }

  Files proc_;
  std::string path_;
};

}  // namespace

extern constinit const Module kSoftnet{"softnet", Module::Default::on, kMetrics, {}, make<Softnet>};

}  // namespace exporter::host
