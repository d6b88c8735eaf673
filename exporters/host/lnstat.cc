#include <vector>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr std::string_view kLabels[] = {"subsystem", "cpu"};
constexpr MetricView kMetrics[] = {
    {MetricType::counter, "node_lnstat_<field>_total", "linux network cache stats", kLabels}};

class Lnstat {
 public:
  explicit Lnstat(const Host& host) : proc_(host.proc()), directory_(host.network("stat")) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& file : proc_.list(directory_)) add(samples, directory_ + '/' + file, file);
  }

 private:
  /// The header names the columns, which are hexadecimal; each further line is for a CPU.
  void add(Samples& samples, const std::string& path, std::string_view subsystem) {
    const auto text = proc_.read(path);
    if (!text) return;
    Lines lines(proc_.path(path), *text);
    std::string_view names, line;
    if (!lines.next(names)) return;
    for (int cpu = 0; lines.next(line); ++cpu) {
      const auto number = std::to_string(cpu);
      auto rest = names;
      for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
        const auto field = next_word(rest);
        if (field.empty()) lines.fail("more numbers than names");
        samples.add_named(MetricType::counter, "node_lnstat_" + std::string(field) + "_total",
                          "linux network cache stats", static_cast<double>(lines.integer(word, 16)),
                          {{"subsystem", subsystem}, {"cpu", number}});
      }
    }
  }

  Files proc_;
  std::string directory_;
};

}  // namespace

extern constinit const Module kLnstat{"lnstat", Module::Default::off, kMetrics, {}, make<Lnstat>};

}  // namespace exporter::host
