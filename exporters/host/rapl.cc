#include <map>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kJoules =
    counter("node_rapl_joules_total", "Current RAPL value in joules", "index", "path", "rapl_zone");
constexpr std::string_view kZoneLabels[] = {"index", "path"};
constexpr MetricView kZoneJoules{MetricType::counter, "node_rapl_<zone>_joules_total",
                                 "Current RAPL value of the zone in joules", kZoneLabels};
constexpr MetricView kMetrics[] = {kZoneJoules, kJoules};

constexpr Flag kFlags[] = {
    {"collector.rapl.enable-zone-label", "false",
     "Export all zones as node_rapl_joules_total, with the zone's name as a label.",
     Flag::Kind::boolean},
};

/// Keeps letters, digits and underscores; replaces other characters, with adjacent underscores, by
/// one underscore.
std::string metric_name_part(std::string_view text) {
  std::string name;
  bool replaced = false;
  for (const char c : text) {
    if (!valid_name(std::string{'_', c})) {
      while (name.ends_with('_')) name.pop_back();
      name += '_';
      replaced = true;
    } else if (c != '_' || !replaced) {
      name += c;
      replaced = false;
    }
  }
  return name;
}

/// A zone's name without the number that distinguishes it from others of its kind.
struct Zone {
  std::string name;
  unsigned index;
};

class Rapl {
 public:
  explicit Rapl(const Host& host)
      : sys_(host.sys()), zone_label_(host.settings.enabled(kFlags[0].name)) {}

  void collect(Samples& samples, const Deadline&) {
    std::map<std::string, unsigned> next_index;
    for (const auto& entry : sys_.list("class/powercap")) {
      const auto directory = "class/powercap/" + entry;
      const auto name = sys_.line(directory + "/name");
      if (!name) continue;
      const auto zone = zone_of(*name, next_index);
      // Only root may read it, because it reveals information about computations.
      const auto microjoules = sys_.number(directory + "/energy_uj");
      if (microjoules) add(samples, zone, sys_.path(directory), *microjoules / 1e6);
    }
  }

 private:
  /// "package-0" has its number; several "dram" are numbered in the order of their directories.
  static Zone zone_of(std::string_view name, std::map<std::string, unsigned>& next_index) {
    auto number = name;
    const auto kind = next_part(number, '-');
    const auto index = parse_number<unsigned>(number);
    Zone zone{std::string(index ? kind : name), 0};
    auto& next = next_index[zone.name];
    zone.index = index.value_or(next);
    next = zone.index + 1;
    return zone;
  }

  void add(Samples& samples, const Zone& zone, const std::string& path, double joules) const {
    const auto index = std::to_string(zone.index);
    if (zone_label_) {
      samples.add(kJoules, joules, index, path, zone.name);
    } else {
      samples.add_named(MetricType::counter,
                        "node_rapl_" + metric_name_part(zone.name) + "_joules_total",
                        "Current RAPL " + zone.name + " value in joules", joules,
                        {{"index", index}, {"path", path}});
    }
  }

  Files sys_;
  bool zone_label_;
};

}  // namespace

extern constinit const Module kRapl{"rapl", Module::Default::on, kMetrics, kFlags, make<Rapl>};

}  // namespace exporter::host
