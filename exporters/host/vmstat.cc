#include <string>
#include <vector>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr MetricView kMetrics[] = {
    {MetricType::untyped, "node_vmstat_<field>", "/proc/vmstat information field <field>.", {}}};

constexpr std::string_view kFields = "collector.vmstat.fields";
constexpr Flag kFlags[] = {
    {kFields, "^(oom_kill|pgpg|pswp|pg.*fault).*", "Regexp of /proc/vmstat fields to export."}};

class Vmstat {
 public:
  explicit Vmstat(const Host& host) : proc_(host.proc()), fields_(host.settings, kFields, "") {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("vmstat");
    if (!text) return;
    Lines lines(proc_.path("vmstat"), *text);
    std::size_t index = 0;
    for (std::string_view line; lines.next(line);) {
      const auto field = next_word(line);
      if (line.empty()) lines.fail("a number is missing");
      if (!wanted(index++, field)) continue;
      name_.assign("node_vmstat_").append(field);
      help_.assign("/proc/vmstat information field ").append(field).append(".");
      samples.add_named(MetricType::untyped, name_, help_, lines.number(next_word(line)));
    }
  }

 private:
  struct Field {
    std::string name;
    bool wanted = false;
  };

  /// A kernel writes the same fields in the same order at each read, so each is matched only once.
  bool wanted(std::size_t index, std::string_view name) {
    if (index == known_.size()) known_.emplace_back();
    auto& field = known_[index];
    if (field.name != name) field = {std::string(name), fields_.passes(name)};
    return field.wanted;
  }

  Files proc_;
  Filter fields_;
  std::vector<Field> known_;
  std::string name_, help_;
};

}  // namespace

extern constinit const Module kVmstat{"vmstat", Module::Default::on, kMetrics, kFlags,
                                      make<Vmstat>};

}  // namespace exporter::host
