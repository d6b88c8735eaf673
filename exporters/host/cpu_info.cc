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

/// Without an expression no value is selected.
std::optional<Filter> words_filter(const Settings& settings, std::string_view flag) {
  if (settings.text(flag).empty()) return std::nullopt;
  return Filter(settings, flag, "");
}

void add_words(Samples& samples, const Metric<1>& metric, const std::optional<Filter>& filter,
               std::string_view words) {
  if (!filter) return;
  for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
    if (filter->passes(word)) samples.add(metric, 1, word);
  }
}

}  // namespace

std::vector<CpuInfo> read_cpu_info(Files& proc) {
  std::vector<CpuInfo> cpus;
  const auto text = proc.read_filled("cpuinfo");
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
  return settings.enabled(kCpuInfoFlag) || !settings.text(kCpuFlagsInclude).empty() ||
         !settings.text(kCpuBugsInclude).empty();
}

CpuInfoSamples::CpuInfoSamples(const Settings& settings)
    : wanted_(wants_cpu_info(settings)),
      flags_(words_filter(settings, kCpuFlagsInclude)),
      bugs_(words_filter(settings, kCpuBugsInclude)) {}

void CpuInfoSamples::collect(Files& proc, Samples& samples) const {
  if (!wanted_) return;
  const auto cpus = read_cpu_info(proc);
  for (const auto& cpu : cpus) {
    samples.add(kCpuInfo, 1, cpu.package, cpu.core, cpu.cpu, cpu.vendor, cpu.family, cpu.model,
                cpu.model_name, cpu.microcode, cpu.stepping, cpu.cache_size);
  }
  if (cpus.empty()) return;
  add_words(samples, kCpuFlagInfo, flags_, cpus.front().flags);
  add_words(samples, kCpuBugInfo, bugs_, cpus.front().bugs);
}

}  // namespace exporter::host
