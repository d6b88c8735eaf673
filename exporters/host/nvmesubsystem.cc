#include <algorithm>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo =
    info("node_nvmesubsystem_info", "Non-numeric information about an NVMe subsystem.", "subsystem",
         "nqn", "model", "serial", "iopolicy");
constexpr auto kNamespaceInfo =
    info("node_nvmesubsystem_namespace_info",
         "Maps an NVMe namespace block device to its subsystem.", "subsystem", "device");
constexpr auto kPaths = gauge("node_nvmesubsystem_paths",
                              "Number of controller paths for an NVMe subsystem.", "subsystem");
constexpr auto kPathsLive =
    gauge("node_nvmesubsystem_paths_live",
          "Number of controller paths in live state for an NVMe subsystem.", "subsystem");
constexpr auto kPathState =
    gauge("node_nvmesubsystem_path_state",
          "Current NVMe controller path state (1 for the current state, 0 for all others).",
          "subsystem", "controller", "transport", "state");
constexpr MetricView kMetrics[] = {kInfo, kNamespaceInfo, kPaths, kPathsLive, kPathState};

constexpr std::string_view kRoot = "class/nvme-subsystem/";
constexpr std::string_view kStates[] = {"connecting", "dead",      "deleting", "live",
                                        "new",        "resetting", "unknown"};

/// A state of drivers/nvme/host/sysfs.c, nvme_sysfs_show_state(): "deleting (no IO)" is one.
std::string_view known_state(std::string_view text) {
  const auto word = next_word(text);
  return std::ranges::find(kStates, word) != std::end(kStates) ? word : "unknown";
}

/// Whether it is `letters` followed by numbers with `separator` between them: nvme0 or nvme0n1.
bool has_form(std::string_view name, std::string_view letters, char separator) {
  if (!name.starts_with(letters)) return false;
  name.remove_prefix(letters.size());
  const auto first = separator == 0 ? name : next_part(name, separator);
  return parse_number<unsigned>(first) && (separator == 0 || parse_number<unsigned>(name));
}

class Nvmesubsystem {
 public:
  explicit Nvmesubsystem(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& name : sys_.list(kRoot)) {
      if (name.starts_with("nvme-subsys")) add(samples, name, std::string(kRoot) + name + '/');
    }
  }

 private:
  void add(Samples& samples, const std::string& name, const std::string& directory) {
    const auto text = [&](const char* file) {
      return std::string(sys_.line(directory + file).value_or(""));
    };
    samples.add(kInfo, 1, name, text("subsysnqn"), text("model"), text("serial"), text("iopolicy"));
    double paths = 0, live = 0;
    for (const auto& entry : sys_.list(directory)) {
      if (has_form(entry, "nvme", 'n')) samples.add(kNamespaceInfo, 1, name, entry);
      if (!has_form(entry, "nvme", 0)) continue;
      const std::string transport(sys_.line(directory + entry + "/transport").value_or(""));
      const auto current = known_state(sys_.line(directory + entry + "/state").value_or(""));
      ++paths;
      if (current == "live") ++live;
      for (const auto state : kStates) {
        samples.add(kPathState, state == current ? 1 : 0, name, entry, transport, state);
      }
    }
    samples.add(kPaths, paths, name);
    samples.add(kPathsLive, live, name);
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kNvmesubsystem{
    "nvmesubsystem", Module::Default::off, kMetrics, {}, make<Nvmesubsystem>};

}  // namespace exporter::host
