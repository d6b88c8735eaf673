#include <algorithm>
#include <optional>
#include <vector>

#include "common/base/error.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kInfo = info("node_sysctl_info", "sysctl info", "name", "value", "index");
constexpr std::string_view kIndex[] = {"index"};
constexpr MetricView kMetrics[] = {
    kInfo, {MetricType::untyped, "node_sysctl_<name>", "sysctl <name>", kIndex}};

constexpr std::string_view kInclude = "collector.sysctl.include";
constexpr std::string_view kIncludeInfo = "collector.sysctl.include-info";
constexpr Flag kFlags[] = {
    {kInclude, "",
     "Sysctl to show as a number; NAME:FIELD,FIELD names the fields of one with several.",
     Flag::Kind::repeated},
    {kIncludeInfo, "", "Sysctl to show as a label of node_sysctl_info.", Flag::Kind::repeated},
};

/// A sysctl to show, and the names of its fields.
struct Sysctl {
  std::string name, path;
  bool is_number;
  std::vector<std::string> fields;
};

std::string metric_name(std::string_view name) {
  std::string plain = "node_sysctl_";
  for (const char c : name) {
    plain += valid_label_name(std::string_view(&c, 1)) || (c >= '0' && c <= '9') ? c : '_';
  }
  return plain;
}

std::vector<Sysctl> chosen(const Settings& settings) {
  std::vector<Sysctl> all;
  for (const auto flag : {kInclude, kIncludeInfo}) {
    for (std::string_view rest : settings.texts(flag)) {
      if (rest.empty()) continue;
      Sysctl sysctl{std::string(next_part(rest, ':')), {}, flag == kInclude, {}};
      sysctl.path = "sys/" + sysctl.name;
      std::ranges::replace(sysctl.path, '.', '/');
      if (sysctl.path.find("//") != std::string::npos) {
        settings.fail(flag, "expected the name of a sysctl");
      }
      while (!rest.empty()) sysctl.fields.emplace_back(next_part(rest, ','));
      all.push_back(std::move(sysctl));
    }
  }
  return all;
}

class SysctlValues {
 public:
  explicit SysctlValues(const Host& host) : proc_(host.proc()), all_(chosen(host.settings)) {}

  /// One that cannot be read makes the run fail, but the others are shown.
  void collect(Samples& samples, const Deadline&) {
    std::optional<Error> first;
    for (const auto& sysctl : all_) {
      try {
        add(samples, sysctl);
      } catch (const Error& error) {
        if (!first) first = error;
      }
    }
    if (first) samples.set_failure(*first);
  }

 private:
  void add(Samples& samples, const Sysctl& sysctl) {
    const auto text = proc_.read(sysctl.path);
    if (!text) throw Error(Reason::io, proc_.path(sysctl.path) + ": no such sysctl");
    Lines lines(proc_.path(sysctl.path), *text);
    std::vector<std::string_view> values;
    for (std::string_view line; lines.next(line);) {
      for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
        values.push_back(word);
      }
    }
    if (values.empty()) lines.fail("no value");
    if (!sysctl.fields.empty() && sysctl.fields.size() != values.size()) {
      lines.fail("has " + std::to_string(values.size()) + " values, but " +
                 std::to_string(sysctl.fields.size()) + " names are given");
    }
    if (!sysctl.is_number) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        samples.add(kInfo, 1, sysctl.name, values[i], std::to_string(i));
      }
      return;
    }
    std::vector<double> numbers;
    for (const auto value : values) numbers.push_back(lines.number(value));
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      add(samples, sysctl, numbers[i], i, numbers.size() == 1);
    }
  }

  static void add(Samples& samples, const Sysctl& sysctl, double value, std::size_t index,
                  bool is_only) {
    const auto number = std::to_string(index);
    const auto name = metric_name(sysctl.name), help = "sysctl " + sysctl.name;
    if (!sysctl.fields.empty()) {
      samples.add_named(MetricType::untyped, metric_name(sysctl.name + '_' + sysctl.fields[index]),
                        help + ", field " + number, value);
    } else if (is_only) {
      samples.add_named(MetricType::untyped, name, help, value);
    } else {
      samples.add_named(MetricType::untyped, name, help, value, {{"index", number}});
    }
  }

  Files proc_;
  std::vector<Sysctl> all_;
};

}  // namespace

extern constinit const Module kSysctl{"sysctl", Module::Default::off, kMetrics, kFlags,
                                      make<SysctlValues>};

}  // namespace exporter::host
