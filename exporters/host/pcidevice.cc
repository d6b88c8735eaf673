#include <array>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo = info(
    "node_pcidevice_info",
    "Non-numeric data from /sys/bus/pci/devices/<location>, value is always 1.", "segment", "bus",
    "device", "function", "parent_segment", "parent_bus", "parent_device", "parent_function",
    "class_id", "vendor_id", "device_id", "subsystem_vendor_id", "subsystem_device_id", "revision");

consteval auto of_device(std::string_view name, std::string_view help) {
  return gauge(name, help, "segment", "bus", "device", "function");
}

/// A number, its file, its factor, and its value if the file has none.
struct Value {
  Metric<4> metric;
  std::string_view file;
  double factor, otherwise;
};
constexpr Value kValues[] = {
    {of_device("node_pcidevice_max_link_transfers_per_second",
               "Value of maximum link's transfers per second (T/s)"),
     "max_link_speed", 1e9, -1},
    {of_device("node_pcidevice_max_link_width", "Value of maximum link's width (number of lanes)"),
     "max_link_width", 1, -1},
    {of_device("node_pcidevice_current_link_transfers_per_second",
               "Value of current link's transfers per second (T/s)"),
     "current_link_speed", 1e9, -1},
    {of_device("node_pcidevice_current_link_width",
               "Value of current link's width (number of lanes)"),
     "current_link_width", 1, -1},
    {of_device("node_pcidevice_d3cold_allowed",
               "Whether the PCIe device supports D3cold power state (0/1)."),
     "d3cold_allowed", 1, 0},
    {of_device("node_pcidevice_sriov_drivers_autoprobe",
               "Whether SR-IOV drivers autoprobe is enabled for the device (0/1)."),
     "sriov_drivers_autoprobe", 1, 0},
    {of_device("node_pcidevice_sriov_numvfs",
               "Number of Virtual Functions (VFs) currently enabled for SR-IOV."),
     "sriov_numvfs", 1, 0},
    {of_device("node_pcidevice_sriov_totalvfs",
               "Total number of Virtual Functions (VFs) supported by the device."),
     "sriov_totalvfs", 1, 0},
    {of_device("node_pcidevice_sriov_vf_total_msix",
               "Total number of MSI-X vectors for Virtual Functions."),
     "sriov_vf_total_msix", 1, 0},
};
constexpr auto kNumaNode =
    of_device("node_pcidevice_numa_node",
              "NUMA node number for the PCI device. -1 indicates unknown or not available.");
constexpr auto kPowerState =
    gauge("node_pcidevice_power_state",
          "PCIe device power state, one of: D0, D1, D2, D3hot, D3cold, unknown or error.",
          "segment", "bus", "device", "function", "state");
constexpr auto kMetrics = families(kValues, kInfo, kNumaNode, kPowerState);

constexpr std::string_view kStates[] = {"D0", "D1", "D2", "D3hot", "D3cold", "unknown", "error"};

/// The segment, bus, device and function of a name as 0000:3b:00.1.
using Location = std::array<std::string, 4>;

std::optional<Location> parse_location(std::string_view name) {
  Location location;
  location[0] = next_part(name, ':');
  location[1] = next_part(name, ':');
  location[2] = next_part(name, '.');
  location[3] = name;
  for (const auto& part : location) {
    if (!parse_number<unsigned>(part, 16)) return std::nullopt;
  }
  return location;
}

class Pcidevice {
 public:
  explicit Pcidevice(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    const std::string root = "bus/pci/devices/";
    for (const auto& name : sys_.list(root)) {
      if (const auto location = parse_location(name)) add(samples, root + name, *location);
    }
  }

 private:
  void add(Samples& samples, const std::string& directory, const Location& at) {
    const auto text = [&](const char* file) {
      return std::string(sys_.line(directory + '/' + file).value_or(""));
    };
    const auto parent = parent_of(directory);
    samples.add(kInfo, 1, at[0], at[1], at[2], at[3], parent[0], parent[1], parent[2], parent[3],
                text("class"), text("vendor"), text("device"), text("subsystem_vendor"),
                text("subsystem_device"), text("revision"));
    for (const auto& [metric, file, factor, otherwise] : kValues) {
      const auto value = number(directory + '/' + std::string(file));
      samples.add(metric, value ? *value * factor : otherwise, at[0], at[1], at[2], at[3]);
    }
    const auto node = sys_.number(directory + "/numa_node");
    if (node && *node >= 0) samples.add(kNumaNode, *node, at[0], at[1], at[2], at[3]);
    const auto current = text("power_state");
    if (current.empty()) return;
    for (const auto state : kStates) {
      samples.add(kPowerState, state == current ? 1 : 0, at[0], at[1], at[2], at[3], state);
    }
  }

  /// The bridge above a device, from its link target: ../../../devices/pci0000:00/0000:00:1c.0/...
  Location parent_of(const std::string& directory) const {
    const auto target = sys_.link(directory).value_or("");
    const auto end = target.rfind('/');
    const auto begin = end == target.npos ? end : target.rfind('/', end - 1);
    const auto name = begin == target.npos ? "" : target.substr(begin + 1, end - begin - 1);
    return parse_location(name).value_or(Location{"*", "*", "*", "*"});
  }

  /// "8" or "8.0 GT/s PCIe"; nothing if the kernel writes "Unknown".
  std::optional<double> number(const std::string& path) {
    const auto text = sys_.line(path);
    Lines lines(sys_.path(path), text.value_or(""));
    std::string_view line;
    if (!lines.next(line) || line.starts_with("Unknown")) return std::nullopt;
    return lines.number(next_word(line));
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kPcidevice{
    "pcidevice", Module::Default::off, kMetrics, {}, make<Pcidevice>};

}  // namespace exporter::host
