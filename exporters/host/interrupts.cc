#include <string>
#include <vector>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kTotal =
    counter("node_interrupts_total", "Interrupt details.", "cpu", "type", "info", "devices");
constexpr MetricView kMetrics[] = {kTotal};

constexpr std::string_view kInclude = "collector.interrupts.name-include";
constexpr std::string_view kExclude = "collector.interrupts.name-exclude";
constexpr std::string_view kZeros = "collector.interrupts.include-zeros";
constexpr Flag kFlags[] = {
    {kInclude, "", "Regexp of interrupts to include, on \"type;info;devices\"."},
    {kExclude, "", "Regexp of interrupts to exclude, on \"type;info;devices\"."},
    {kZeros, "true", "Export interrupts that never occurred.", Flag::Kind::boolean},
};

bool is_number(std::string_view text) { return parse_number<unsigned>(text).has_value(); }

/// Joins the remaining words with one blank.
std::string take_words(std::string_view& rest) {
  std::string joined;
  for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
    if (!joined.empty()) joined += ' ';
    joined += word;
  }
  return joined;
}

class Interrupts {
 public:
  explicit Interrupts(const Host& host)
      : proc_(host.proc()),
        include_(host.settings, kInclude, ""),
        exclude_(host.settings, "", kExclude),
        zeros_(host.settings.enabled(kZeros)) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("interrupts");
    if (!text) return;
    Lines lines(proc_.path("interrupts"), *text);
    std::string_view line;
    lines.next(line);
    const auto cpus = read_cpus(lines, line);
    while (lines.next(line)) {
      const auto type = trim(next_part(line, ':'));
      add(samples, lines, cpus, type, line);
    }
  }

 private:
  /// Unlike other flags of this kind, both may be set.
  bool passes(std::string_view name) const {
    return include_.passes(name) && exclude_.passes(name);
  }

  static std::vector<std::string_view> read_cpus(const Lines& lines, std::string_view line) {
    std::vector<std::string_view> cpus;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      if (!word.starts_with("CPU") || !is_number(word.substr(3))) lines.fail("expected CPUs");
      cpus.push_back(word.substr(3));
    }
    return cpus;
  }

  /// Lines without a count for each CPU and a description ("ERR: 0") are not per CPU.
  void add(Samples& samples, const Lines& lines, const std::vector<std::string_view>& cpus,
           std::string_view type, std::string_view rest) {
    counts_.clear();
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      const auto word = next_word(rest);
      if (trim(rest).empty()) return;
      counts_.push_back(lines.number(word));
    }
    const auto info = is_number(type) ? std::string(next_word(rest)) : take_words(rest);
    const auto devices = take_words(rest);
    if (!passes(std::string(type) + ';' + info + ';' + devices)) return;
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      if (counts_[i] == 0 && !zeros_) continue;
      samples.add(kTotal, counts_[i], cpus[i], type, info, devices);
    }
  }

  Files proc_;
  Filter include_, exclude_;
  bool zeros_;
  std::vector<double> counts_;
};

}  // namespace

extern constinit const Module kInterrupts{"interrupts", Module::Default::off, kMetrics, kFlags,
                                          make<Interrupts>};

}  // namespace exporter::host
