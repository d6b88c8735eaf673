#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kCorrectable =
    counter("node_edac_correctable_errors_total", "Total correctable memory errors.", "controller");
constexpr auto kUncorrectable = counter("node_edac_uncorrectable_errors_total",
                                        "Total uncorrectable memory errors.", "controller");
constexpr auto kRowCorrectable =
    counter("node_edac_csrow_correctable_errors_total",
            "Total correctable memory errors for this csrow.", "controller", "csrow");
constexpr auto kRowUncorrectable =
    counter("node_edac_csrow_uncorrectable_errors_total",
            "Total uncorrectable memory errors for this csrow.", "controller", "csrow");
constexpr auto kChannelCorrectable = counter("node_edac_channel_correctable_errors_total",
                                             "Total correctable memory errors for this channel.",
                                             "controller", "csrow", "channel", "dimm_label");
constexpr auto kChannelUncorrectable =
    counter("node_edac_channel_uncorrectable_errors_total",
            "Total uncorrectable memory errors for this channel.", "controller", "csrow", "channel",
            "dimm_label");
constexpr MetricView kMetrics[] = {kCorrectable,      kUncorrectable,      kRowCorrectable,
                                   kRowUncorrectable, kChannelCorrectable, kChannelUncorrectable};

/// The digits after "mc" in "mc0"; empty for other names.
std::string_view number_behind(std::string_view prefix, std::string_view name) {
  if (!name.starts_with(prefix)) return {};
  name.remove_prefix(prefix.size());
  return parse_number<unsigned>(name) ? name : std::string_view();
}

/// The kernel's "mc#0csrow#0channel#0" as mc0_csrow0_channel0; a label set for the board unchanged.
std::string readable(std::string_view label) {
  std::string text;
  for (; !label.empty(); label.remove_prefix(1)) {
    if (label.starts_with("csrow") || label.starts_with("channel")) text += '_';
    if (label[0] != '#') text += label[0];
  }
  return text;
}

class Edac {
 public:
  explicit Edac(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    const std::string root = "devices/system/edac/mc/";
    for (const auto& name : sys_.list(root)) {
      const auto controller = number_behind("mc", name);
      if (!controller.empty()) add_controller(samples, controller, root + name + '/');
    }
  }

 private:
  void add_controller(Samples& samples, std::string_view controller, const std::string& directory) {
    add(samples, directory + "ce_count", kCorrectable, controller);
    add(samples, directory + "ce_noinfo_count", kRowCorrectable, controller, "unknown");
    add(samples, directory + "ue_count", kUncorrectable, controller);
    add(samples, directory + "ue_noinfo_count", kRowUncorrectable, controller, "unknown");
    for (const auto& name : sys_.list(directory)) {
      const auto row = number_behind("csrow", name);
      if (!row.empty()) add_row(samples, controller, row, directory + name + '/');
    }
  }

  void add_row(Samples& samples, std::string_view controller, std::string_view row,
               const std::string& directory) {
    add(samples, directory + "ce_count", kRowCorrectable, controller, row);
    add(samples, directory + "ue_count", kRowUncorrectable, controller, row);
    constexpr std::string_view kSuffix = "_ce_count";
    for (const auto& name : sys_.list(directory)) {
      if (!name.ends_with(kSuffix)) continue;
      const auto prefix = name.substr(0, name.size() - kSuffix.size());
      const auto channel = number_behind("ch", prefix);
      if (channel.empty()) continue;
      const auto label =
          readable(sys_.line(directory + prefix + "_dimm_label").value_or("unknown"));
      add(samples, directory + name, kChannelCorrectable, controller, row, channel, label);
      add(samples, directory + prefix + "_ue_count", kChannelUncorrectable, controller, row,
          channel, label);
    }
  }

  template <class Metric, class... Labels>
  void add(Samples& samples, const std::string& path, const Metric& metric,
           const Labels&... labels) {
    if (const auto value = sys_.number(path)) samples.add(metric, *value, labels...);
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kEdac{"edac", Module::Default::on, kMetrics, {}, make<Edac>};

}  // namespace exporter::host
