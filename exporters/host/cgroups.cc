#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kGroups =
    gauge("node_cgroups_cgroups", "Current cgroup number of the subsystem.", "subsys_name");
constexpr auto kEnabled =
    gauge("node_cgroups_enabled", "Current cgroup number of the subsystem.", "subsys_name");
constexpr MetricView kMetrics[] = {kGroups, kEnabled};

class Cgroups {
 public:
  explicit Cgroups(const Host& host) : proc_(host.proc()) {}

  /// A line has the controller, its hierarchy, its number of groups and whether it is enabled.
  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("cgroups");
    if (!text) return;
    Lines lines(proc_.path("cgroups"), *text);
    for (std::string_view line; lines.next(line);) {
      if (line.starts_with('#')) continue;
      const auto controller = next_word(line);
      lines.integer(next_word(line));
      samples.add(kGroups, static_cast<double>(lines.integer(next_word(line))), controller);
      samples.add(kEnabled, static_cast<double>(lines.integer(next_word(line))), controller);
    }
  }

 private:
  Files proc_;
};

}  // namespace

extern constinit const Module kCgroups{
    "cgroups", Module::Default::off, kMetrics, {}, make<Cgroups>};

}  // namespace exporter::host
