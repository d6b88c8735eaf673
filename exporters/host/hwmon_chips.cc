#include "exporters/host/hwmon_chips.h"

#include <algorithm>
#include <filesystem>

#include "exporters/host/hwmon_names.h"

namespace exporter::host {
namespace {

std::filesystem::path resolved(const std::string& path) {
  std::error_code error;
  return std::filesystem::canonical(path, error);
}

/// "platform_coretemp_0" from /sys/devices/platform/coretemp.0; empty when there is no such path.
std::string name_of_device(const std::string& path) {
  const auto device = resolved(path);
  const auto name = clean_name(device.filename().native());
  const auto bus = clean_name(device.parent_path().filename().native());
  return name.empty() || bus.empty() ? name : bus + '_' + name;
}

/// The device's name, which does not change across boots; else the driver's; else hwmonN.
std::string name_of(const HwmonChip& chip, const Files& sys) {
  auto name = name_of_device(sys.path(chip.directory + "device"));
  if (name.empty()) name = clean_name(chip.kind);
  if (name.empty()) name = clean_name(resolved(sys.path(chip.directory)).filename().native());
  return name;
}

}  // namespace

std::vector<HwmonChip> hwmon_chips(Files& sys) {
  std::vector<HwmonChip> chips;
  for (const auto& entry : sys.list("class/hwmon")) {
    HwmonChip chip{"class/hwmon/" + entry + '/', {}, {}};
    if (!sys.exists(chip.directory)) continue;
    chip.kind = sys.line(chip.directory + "name").value_or("");
    chip.name = name_of(chip, sys);
    if (!chip.name.empty()) chips.push_back(std::move(chip));
  }
  auto unique = chips;
  for (auto& chip : unique) {
    const auto same_name = [&](const HwmonChip& o) { return o.name == chip.name; };
    const auto same_kind = [&](const HwmonChip& o) { return same_name(o) && o.kind == chip.kind; };
    if (std::count_if(chips.begin(), chips.end(), same_name) == 1) continue;
    auto suffix = clean_name(chip.kind);
    if (suffix.empty() || std::count_if(chips.begin(), chips.end(), same_kind) > 1) {
      suffix = clean_name(std::filesystem::path(chip.directory).parent_path().filename().native());
    }
    chip.name += '_' + suffix;
  }
  return unique;
}

}  // namespace exporter::host
