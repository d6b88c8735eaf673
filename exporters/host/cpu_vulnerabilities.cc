#include <utility>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo =
    info("node_cpu_vulnerabilities_info",
         "Details of each CPU vulnerability reported by sysfs. The value of the series is an int "
         "encoded state of the vulnerability. The same state is stored as a string in the label",
         "codename", "state", "mitigation");
constexpr MetricView kMetrics[] = {kInfo};

/// The start of a file and the state that it means. The kernel writes "Mitigation: ...",
/// "Vulnerable", "Vulnerable: ..." and "Unknown: ..." (arch/x86/kernel/cpu/bugs.c).
constexpr std::string_view kStates[] = {"not affected", "vulnerable", "mitigation", "unknown"};

/// The state, and the rest of the file.
std::pair<std::string_view, std::string> parse(std::string_view text) {
  const auto lower = to_lower(text);
  for (const auto state : kStates) {
    if (!lower.starts_with(state)) continue;
    std::string rest;
    if (state == kStates[0]) return {state, rest};
    next_word(text);
    for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
      rest.append(rest.empty() ? "" : " ").append(word);
    }
    return {state, rest};
  }
  return {"unknown", std::string(text)};
}

class CpuVulnerabilities {
 public:
  explicit CpuVulnerabilities(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    const std::string directory = "devices/system/cpu/vulnerabilities/";
    for (const auto& name : sys_.list(directory)) {
      const auto text = sys_.line(directory + name);
      if (!text) continue;
      const auto [state, mitigation] = parse(*text);
      samples.add(kInfo, 1, name, state, mitigation);
    }
  }

 private:
  Files sys_;
};

}  // namespace

extern constinit const Module kCpuVulnerabilities{
    "cpu_vulnerabilities", Module::Default::off, kMetrics, {}, make<CpuVulnerabilities>};

}  // namespace exporter::host
