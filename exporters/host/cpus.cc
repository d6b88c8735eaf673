#include "exporters/host/cpus.h"

#include <algorithm>

#include "common/base/text.h"

namespace exporter::host {
namespace {

constexpr unsigned kMaxCpu = 65535;

unsigned read_cpu(const Lines& lines, std::string_view text) {
  const auto cpu = lines.integer(text);
  if (cpu > kMaxCpu) lines.fail("a CPU above 65535");
  return static_cast<unsigned>(cpu);
}

bool is_number(std::string_view text) { return parse_number<unsigned>(text).has_value(); }

std::string cpu_path(std::string_view cpu, std::string_view file) {
  return std::string(kCpuDirectory).append("/cpu").append(cpu).append("/").append(file);
}

}  // namespace

std::vector<std::string> list_cpus(const Files& sys) {
  std::vector<std::string> cpus;
  for (const auto& name : sys.list(kCpuDirectory)) {
    if (name.starts_with("cpu") && is_number(name.substr(3))) cpus.push_back(name.substr(3));
  }
  return cpus;
}

std::vector<unsigned> read_cpu_list(Files& sys, std::string_view name) {
  std::vector<unsigned> cpus;
  const auto path = std::string(kCpuDirectory) + '/' + std::string(name);
  const auto text = sys.read(path);
  if (!text) return cpus;
  Lines lines(sys.path(path), *text);
  std::string_view rest;
  lines.next(rest);
  while (!rest.empty()) {
    auto range = next_part(rest, ',');
    const auto first = read_cpu(lines, next_part(range, '-'));
    const auto last = range.empty() ? first : read_cpu(lines, range);
    for (auto cpu = first; cpu <= last && cpus.size() <= kMaxCpu; ++cpu) cpus.push_back(cpu);
  }
  return cpus;
}

void CpuTopology::update(Files& sys) {
  std::string known = "cpus:";
  for (const auto name : {"/present", "/online"}) {
    known.append(sys.line(std::string(kCpuDirectory) + name).value_or("")).append(" ");
  }
  if (known == known_cpus_) return;
  cpus_ = list_cpus(sys);
  read_throttles(sys);
  read_states(sys);
  known_cpus_ = std::move(known);
}

/// The threads of a core and the cores of a package share their counters: the first one with the
/// file represents all.
void CpuTopology::add_throttle(const Files& sys, Throttle throttle) {
  const bool known = std::any_of(throttles_.begin(), throttles_.end(), [&](const Throttle& other) {
    return other.package == throttle.package && other.core == throttle.core;
  });
  if (!known && sys.exists(throttle.path)) throttles_.push_back(std::move(throttle));
}

void CpuTopology::read_throttles(Files& sys) {
  throttles_.clear();
  std::vector<Throttle> packages;
  for (const auto& cpu : cpus_) {
    const std::string package(sys.line(cpu_path(cpu, "topology/physical_package_id")).value_or(""));
    const std::string core(sys.line(cpu_path(cpu, "topology/core_id")).value_or(""));
    if (!is_number(package) || !is_number(core)) continue;
    add_throttle(sys, {package, core, cpu_path(cpu, "thermal_throttle/core_throttle_count")});
    packages.push_back({package, "", cpu_path(cpu, "thermal_throttle/package_throttle_count")});
  }
  for (auto& package : packages) add_throttle(sys, std::move(package));
}

void CpuTopology::read_states(Files& sys) {
  states_.clear();
  if (cpus_.empty() || !sys.exists(cpu_path(cpus_.front(), "online"))) return;
  for (const auto& cpu : cpus_) {
    states_.push_back({cpu, sys.line(cpu_path(cpu, "online")).value_or("0") == "1"});
  }
}

}  // namespace exporter::host
