#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo =
    info("node_nvme_info", "Non-numeric data from /sys/class/nvme/<device>, value is always 1.",
         "device", "firmware_revision", "model", "serial", "state", "cntlid");
constexpr auto kNamespace =
    info("node_nvme_namespace_info", "Information about NVMe namespaces. Value is always 1.",
         "device", "nsid", "ana_state");
constexpr auto kCapacity = gauge("node_nvme_namespace_capacity_bytes",
                                 "Capacity of the NVMe namespace in bytes.", "device", "nsid");
constexpr auto kSize = gauge("node_nvme_namespace_size_bytes",
                             "Size of the NVMe namespace in bytes.", "device", "nsid");
constexpr auto kUsed = gauge("node_nvme_namespace_used_bytes",
                             "Used space of the NVMe namespace in bytes.", "device", "nsid");
constexpr auto kBlock =
    gauge("node_nvme_namespace_logical_block_size_bytes",
          "Logical block size of the NVMe namespace in bytes.", "device", "nsid");
constexpr MetricView kMetrics[] = {kInfo, kNamespace, kCapacity, kSize, kUsed, kBlock};

/// The 2 in nvme0n2, the name of a namespace; empty for other names.
std::string_view namespace_id(std::string_view name) {
  if (!name.starts_with("nvme")) return {};
  name.remove_prefix(4);
  const auto controller = next_part(name, 'n');
  if (!parse_number<unsigned>(controller) || !parse_number<unsigned>(name)) return {};
  return name;
}

class Nvme {
 public:
  explicit Nvme(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& device : sys_.list("class/nvme")) {
      const auto directory = "class/nvme/" + device + '/';
      samples.add(kInfo, 1, device, text(directory + "firmware_rev"), text(directory + "model"),
                  text(directory + "serial"), text(directory + "state"),
                  text(directory + "cntlid"));
      for (const auto& name : sys_.list(directory)) {
        const auto id = namespace_id(name);
        if (!id.empty()) add_namespace(samples, device, id, directory + name + '/');
      }
    }
  }

 private:
  void add_namespace(Samples& samples, const std::string& device, std::string_view id,
                     const std::string& directory) {
    const auto state = text(directory + "ana_state");
    samples.add(kNamespace, 1, device, id, state.empty() ? "unknown" : state);
    const auto block = sys_.number(directory + "queue/logical_block_size");
    if (block) samples.add(kBlock, *block, device, id);
    if (const auto sectors = sys_.number(directory + "size")) {
      samples.add(kCapacity, *sectors * kSector, device, id);
      samples.add(kSize, *sectors * kSector, device, id);
    }
    const auto used = sys_.number(directory + "nuse");
    if (used && block) samples.add(kUsed, *used * *block, device, id);
  }

  std::string text(const std::string& path) { return std::string(sys_.line(path).value_or("")); }

  static constexpr double kSector = 512;

  Files sys_;
};

}  // namespace

extern constinit const Module kNvme{"nvme", Module::Default::on, kMetrics, {}, make<Nvme>};

}  // namespace exporter::host
