#include "exporters/host/container/machine.h"

#include "exporters/host/block_names.h"
#include "exporters/host/cpus.h"

namespace exporter::host::container {

std::optional<double> Machine::cores() {
  const auto count = read_cpu_list(sys_, "online").size();
  return count > 0 ? std::optional(static_cast<double>(count)) : std::nullopt;
}

std::optional<double> Machine::memory() {
  const auto text = proc_.read("meminfo");
  Lines lines(proc_.path("meminfo"), text.value_or(""));
  for (std::string_view line; lines.next(line);) {
    if (next_part(line, ':') == "MemTotal") return lines.number(next_word(line)) * 1024;
  }
  return std::nullopt;
}

std::vector<std::string> Machine::device_names(const Usage& usage) {
  std::vector<std::string> names;
  for (const auto& device : usage.devices) {
    auto [known, fresh] = devices_.try_emplace(device.number, device.number);
    if (fresh) {
      const auto link = sys_.link("dev/block/" + device.number);
      if (link) known->second = "/dev/" + device_name(link->substr(link->rfind('/') + 1));
    }
    names.push_back(known->second);
  }
  return names;
}

}  // namespace exporter::host::container
