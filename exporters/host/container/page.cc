#include "exporters/host/container/page.h"

#include "exporters/host/container/families.h"

namespace exporter::host::container {

void Page::usage(const Usage& usage, const Limits& limits, std::span<const std::string> devices) {
  if (usage.cpu) add(kCpu, *usage.cpu, "total");
  for (const auto& [metric, value] : kUsages) {
    if (usage.*value) add(metric, *(usage.*value));
  }
  for (const auto& [failure, scope, value] : kFailures) {
    if (usage.*value) add(kMemoryFailures, *(usage.*value), failure, scope);
  }
  for (const auto& [metric, value] : kLimits) {
    if (limits.*value) add(metric, *(limits.*value));
  }
  for (std::size_t i = 0; i < usage.devices.size(); ++i) {
    for (const auto& [metric, value] : kDevices) {
      add(metric, usage.devices[i].*value, devices[i]);
    }
  }
}

void Page::interfaces(std::span<const Interface> interfaces) {
  for (const auto& interface : interfaces) {
    for (const auto& [metric, value] : kInterfaces) add(metric, interface.*value, interface.name);
  }
}

/// A file system without a number of inodes (btrfs) reports 0.
void Page::file_system(const LayerSystem& layer) {
  if (!layer.stat) return;
  for (const auto& [metric, value] : kFileSystems) {
    if (*layer.stat.*value > 0 || layer.stat->files > 0)
      add(metric, *layer.stat.*value, layer.device);
  }
}

void Page::state(const Container& container) {
  for (const auto state : kStates) add(kState, container.state == state ? 1 : 0, state);
  add(kRestarts, container.restarts);
  if (container.has_ended() || container.could_not_start()) {
    add(kExitCode, static_cast<double>(container.exit_code));
  }
  if (!container.health.empty()) {
    for (const auto status : kHealths) {
      add(kHealthStatus, container.health == status ? 1 : 0, status);
    }
  }
  add(kHealthState, container.health.empty() ? -1 : container.health == "healthy" ? 1 : 0);
  if (container.created) add(kCreationTime, *container.created);
  if (container.started) add(kStartedTime, *container.started);
  if (container.finished) add(kFinishedTime, *container.finished);
}

void Page::info(const Container& container, std::span<const std::string> label_names) {
  std::vector<std::string_view> names(kInfo.labels.begin(), kInfo.labels.end());
  std::vector<std::string_view> values = {id_, name_, image_};
  names.insert(names.end(), label_names.begin(), label_names.end());
  values.insert(values.end(), container.labels.begin(), container.labels.end());
  samples_.add({kInfo.type, kInfo.name, kInfo.help, names}, 1, values);
}

}  // namespace exporter::host::container
