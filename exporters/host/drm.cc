#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo = info("node_drm_card_info", "Card information", "card", "memory_vendor",
                            "power_performance_level", "unique_id", "vendor");

/// A number, and its file below the card's device (Documentation/gpu/amdgpu).
struct Value {
  Metric<1> metric;
  std::string_view file;
};
constexpr Value kValues[] = {
    {gauge("node_drm_gpu_busy_percent", "How busy the GPU is as a percentage.", "card"),
     "gpu_busy_percent"},
    {gauge("node_drm_memory_gtt_size_bytes",
           "The size of the graphics translation table (GTT) block in bytes.", "card"),
     "mem_info_gtt_total"},
    {gauge("node_drm_memory_gtt_used_bytes",
           "The used amount of the graphics translation table (GTT) block in bytes.", "card"),
     "mem_info_gtt_used"},
    {gauge("node_drm_memory_vis_vram_size_bytes", "The size of visible VRAM in bytes.", "card"),
     "mem_info_vis_vram_total"},
    {gauge("node_drm_memory_vis_vram_used_bytes", "The used amount of visible VRAM in bytes.",
           "card"),
     "mem_info_vis_vram_used"},
    {gauge("node_drm_memory_vram_size_bytes", "The size of VRAM in bytes.", "card"),
     "mem_info_vram_total"},
    {gauge("node_drm_memory_vram_used_bytes", "The used amount of VRAM in bytes.", "card"),
     "mem_info_vram_used"},
};
constexpr auto kMetrics = families(kValues, kInfo);

class Drm {
 public:
  explicit Drm(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& card : sys_.list("class/drm")) {
      // Next to the cards are their outputs, such as card0-DP-1.
      if (!card.starts_with("card") || !parse_number<unsigned>(card.substr(4))) continue;
      const auto device = "class/drm/" + card + "/device/";
      if (is_amdgpu(device)) add(samples, device, card);
    }
  }

 private:
  bool is_amdgpu(const std::string& device) {
    const auto text = sys_.read(device + "uevent");
    Lines lines(sys_.path(device + "uevent"), text.value_or(""));
    for (std::string_view line; lines.next(line);) {
      if (line == "DRIVER=amdgpu") return true;
    }
    return false;
  }

  void add(Samples& samples, const std::string& device, const std::string& card) {
    const auto text = [&](const char* file) {
      return std::string(sys_.line(device + file).value_or(""));
    };
    samples.add(kInfo, 1, card, text("mem_info_vram_vendor"),
                text("power_dpm_force_performance_level"), text("unique_id"), "amd");
    for (const auto& [metric, file] : kValues) {
      const auto value = sys_.number(device + std::string(file));
      if (value) samples.add(metric, *value, card);
    }
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kDrm{"drm", Module::Default::off, kMetrics, {}, make<Drm>};

}  // namespace exporter::host
