#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr std::string_view kNode[] = {"node"};
constexpr MetricView kMetrics[] = {
    {MetricType::gauge, "node_memory_numa_<field>", "Memory information field <field>.", kNode}};

class MeminfoNuma {
 public:
  explicit MeminfoNuma(const Host& host) : sys_(host.sys()) {}

  void collect(Samples& samples, const Deadline&) {
    const std::string root = "devices/system/node/";
    for (const auto& name : sys_.list(root)) {
      if (!name.starts_with("node")) continue;
      const auto node = name.substr(4);
      if (!parse_number<unsigned>(node)) continue;
      add_meminfo(samples, root + name + "/meminfo");
      add_numastat(samples, root + name + "/numastat", node);
    }
  }

 private:
  /// "Node 0 Active(anon):   1234 kB"; counts of pages have no unit.
  void add_meminfo(Samples& samples, const std::string& path) {
    const auto text = sys_.read(path);
    if (!text) return;
    Lines lines(sys_.path(path), *text);
    for (std::string_view line; lines.next(line);) {
      const auto word = next_word(line), node = next_word(line);
      const auto field = trim(next_part(line, ':'));
      if (word != "Node" || field.empty()) lines.fail("expected \"Node N name: value\"");
      const auto value = lines.number(next_word(line));
      const auto unit = next_word(line);
      if (!unit.empty() && unit != "kB") lines.fail("expected kB");
      add(samples, MetricType::gauge, plain(field), unit.empty() ? value : value * 1024, node);
    }
  }

  void add_numastat(Samples& samples, const std::string& path, std::string_view node) {
    const auto text = sys_.read(path);
    if (!text) return;
    Lines lines(sys_.path(path), *text);
    for (std::string_view line; lines.next(line);) {
      const std::string field(next_word(line));
      const auto value = static_cast<double>(lines.integer(next_word(line)));
      add(samples, MetricType::counter, field + "_total", value, node);
    }
  }

  /// "Active(anon)" becomes "Active_anon".
  static std::string plain(std::string_view field) {
    std::string name;
    for (const char c : field) {
      if (c != ')') name += c == '(' ? '_' : c;
    }
    return name;
  }

  static void add(Samples& samples, MetricType type, const std::string& field, double value,
                  std::string_view node) {
    samples.add_named(type, "node_memory_numa_" + field, "Memory information field " + field + '.',
                      value, {{"node", node}});
  }

  Files sys_;
};

}  // namespace

extern constinit const Module kMeminfoNuma{
    "meminfo_numa", Module::Default::off, kMetrics, {}, make<MeminfoNuma>};

}  // namespace exporter::host
