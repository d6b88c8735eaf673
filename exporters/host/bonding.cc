#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kSlaves =
    gauge("node_bonding_slaves", "Number of configured slaves per bonding interface.", "master");
constexpr auto kActive =
    gauge("node_bonding_active", "Number of active slaves per bonding interface.", "master");
constexpr MetricView kMetrics[] = {kSlaves, kActive};

class Bonding {
 public:
  explicit Bonding(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    const std::string masters(sys_.line("class/net/bonding_masters").value_or(""));
    std::string_view rest = masters;
    for (auto master = next_word(rest); !master.empty(); master = next_word(rest)) {
      collect(samples, std::string(master));
    }
  }

 private:
  void collect(Samples& samples, const std::string& master) {
    const auto directory = "class/net/" + master;
    const std::string slaves(sys_.line(directory + "/bonding/slaves").value_or(""));
    std::string_view rest = slaves;
    std::size_t count = 0, active = 0;
    for (auto slave = next_word(rest); !slave.empty(); slave = next_word(rest)) {
      ++count;
      if (is_up(directory, std::string(slave))) ++active;
    }
    samples.add(kSlaves, static_cast<double>(count), master);
    samples.add(kActive, static_cast<double>(active), master);
  }

  /// Whether the link is up; before Linux 3.9 the directory is slave_<slave>.
  bool is_up(const std::string& directory, const std::string& slave) {
    for (const auto* prefix : {"/lower_", "/slave_"}) {
      const auto state = sys_.line(directory + prefix + slave + "/bonding_slave/mii_status");
      if (state) return *state == "up";
    }
    return false;
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kBonding{"bonding", Module::Default::on, kMetrics, {}, make<Bonding>};

}  // namespace exporter::host
