#include "exporters/host/cpu_info.h"

#include "common/base/text.h"

namespace exporter::host {
namespace {

struct Field {
  std::string_view key;
  std::string_view CpuInfo::*member;
};

constexpr Field kFields[] = {
    {"Features", &CpuInfo::flags},        {"bugs", &CpuInfo::bugs},
    {"cache size", &CpuInfo::cache_size}, {"core id", &CpuInfo::core},
    {"cpu family", &CpuInfo::family},     {"flags", &CpuInfo::flags},
    {"microcode", &CpuInfo::microcode},   {"model", &CpuInfo::model},
    {"model name", &CpuInfo::model_name}, {"physical id", &CpuInfo::package},
    {"stepping", &CpuInfo::stepping},     {"vendor", &CpuInfo::vendor},
    {"vendor_id", &CpuInfo::vendor},
};

}  // namespace

std::vector<CpuInfo> read_cpu_info(Files& proc) {
  std::vector<CpuInfo> cpus;
  const auto text = proc.read("cpuinfo");
  if (!text) return cpus;
  Lines lines(proc.path("cpuinfo"), *text);
  for (std::string_view line; lines.next(line);) {
    const auto key = trim(next_part(line, ':'));
    const auto value = trim(line);
    if (key == "processor") {
      lines.integer(value);
      cpus.emplace_back().cpu = value;
    }
    if (cpus.empty()) continue;
    if (key == "cpu MHz") cpus.back().hertz = lines.number(value) * 1e6;
    for (const auto& field : kFields) {
      if (key == field.key) cpus.back().*field.member = value;
    }
  }
  return cpus;
}

bool wants_cpu_info(const Settings& settings) {
  return settings.enabled("collector.cpu.info") ||
         !settings.text("collector.cpu.info.flags-include").empty() ||
         !settings.text("collector.cpu.info.bugs-include").empty();
}

}  // namespace exporter::host
