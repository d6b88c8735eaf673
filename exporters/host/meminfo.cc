#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr MetricView kMetrics[] = {
    {MetricType::gauge, "node_memory_<field>", "Memory information field <field>.", {}}};
constexpr std::string_view kPrefix = "node_memory_";

class Meminfo {
 public:
  explicit Meminfo(const Host& host) : proc_(host.proc()) {}

  void collect(Samples& samples, const Deadline&) {
    const auto text = proc_.read_filled("meminfo");
    if (!text) return;
    Lines lines(proc_.path("meminfo"), *text);
    bool has_table = false;  // before Linux 2.6: the bytes of Mem and Swap, repeated in kB below
    for (std::string_view line; lines.next(line);) {
      if (line.find(':') == line.npos) lines.fail("expected \"name: value\"");
      // "ShadowCallStack:" is not separated from a large value.
      const auto field = trim(next_part(line, ':'));
      if (field == "total") has_table = true;
      if (has_table && (field == "total" || field == "Mem" || field == "Swap")) continue;
      const auto value = lines.number(next_word(line));
      const auto unit = next_word(line);
      if (!next_word(line).empty()) lines.fail("expected \"name: value\"");
      if (!unit.empty() && unit != "kB") lines.fail("expected kB");
      name_field(field, unit);
      samples.add_named(MetricType::gauge, name_, help_, unit.empty() ? value : value * 1024);
    }
  }

 private:
  /// "Active(anon)" becomes "Active_anon".
  void name_field(std::string_view field, std::string_view unit) {
    name_ = kPrefix;
    for (const char c : field) {
      if (c == ')') continue;
      name_ += valid_metric_name(std::string_view(&c, 1)) || (c >= '0' && c <= '9') ? c : '_';
    }
    if (!unit.empty()) name_ += "_bytes";
    help_ = "Memory information field ";
    help_.append(name_, kPrefix.size()).append(".");
  }

  Files proc_;
  std::string name_, help_;
};

}  // namespace

extern constinit const Module kMeminfo{"meminfo", Module::Default::on, kMetrics, {}, make<Meminfo>};

}  // namespace exporter::host
