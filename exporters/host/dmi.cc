#include <string>
#include <vector>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr std::string_view kFields[] = {
    "bios_date",      "bios_release",   "bios_vendor",     "bios_version",    "board_asset_tag",
    "board_name",     "board_serial",   "board_vendor",    "board_version",   "chassis_asset_tag",
    "chassis_serial", "chassis_vendor", "chassis_version", "product_family",  "product_name",
    "product_serial", "product_sku",    "product_uuid",    "product_version", "system_vendor",
};
constexpr MetricView kInfo{MetricType::info, "node_dmi_info",
                           "Information from the firmware about the machine; a label for each "
                           "readable field of /sys/class/dmi/id.",
                           kFields};
constexpr MetricView kMetrics[] = {kInfo};

/// Only root may read the serial numbers. Read once, because they cannot change before the next
/// boot.
class Dmi {
 public:
  explicit Dmi(const Host& host) {
    auto sys = host.sys();
    for (const auto field : kFields) {
      const auto file = field == "system_vendor" ? "sys_vendor" : field;
      const auto value = sys.line(std::string("class/dmi/id/").append(file));
      if (!value) continue;
      names_.push_back(field);
      values_.emplace_back(*value);
    }
  }

  void collect(Samples& samples, const Deadline&) {
    if (names_.empty()) return;
    const std::vector<std::string_view> values(values_.begin(), values_.end());
    samples.add({kInfo.type, kInfo.name, kInfo.help, names_}, 1, values);
  }

 private:
  std::vector<std::string_view> names_;
  std::vector<std::string> values_;
};

}  // namespace

extern constinit const Module kDmi{"dmi", Module::Default::on, kMetrics, {}, make<Dmi>};

}  // namespace exporter::host
