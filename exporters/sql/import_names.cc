#include "exporters/sql/import_names.h"

#include <algorithm>

#include "common/base/error.h"
#include "exporters/sql/source.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxCollectorName = 60;

/// The families of the exporter itself and of its process.
bool is_own_name(std::string_view name) {
  return name.starts_with("exporter_") || name.starts_with("process_") || name == "sql_up";
}

}  // namespace

std::optional<std::string> kept_label(const std::string& name) {
  if (name == "job" || name == "instance") return "exported_" + name;
  const bool is_reserved =
      name.starts_with("__") || name == "le" || name == "quantile" || name == "source";
  if (is_reserved || !valid_label_name(name)) return std::nullopt;
  return name;
}

ImportedNames::ImportedNames() {
  for (const auto* module : kModules) {
    collectors_.emplace(module->name);
    for (const auto& metric : module->metrics) families_.declare("the exporter", metric);
  }
}

std::string ImportedNames::take_collector(std::string_view wanted) {
  std::string name;
  for (const char c : wanted.substr(0, kMaxCollectorName)) {
    name += valid_label_name("_" + std::string(1, c)) ? c : '_';
  }
  if (!valid_label_name(name)) name = ("_" + name).substr(0, kMaxCollectorName);
  auto free = name;
  for (int i = 2; !collectors_.insert(free).second; ++i) {
    const auto suffix = "_" + std::to_string(i);
    free = name.substr(0, kMaxCollectorName - suffix.size()) + suffix;
  }
  return free;
}

bool ImportedNames::take_family(const std::string& name, MetricType type) {
  if (is_own_name(name)) return false;
  try {
    families_.declare("metric " + std::to_string(++count_), {type, name, name, {}});
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace exporter::sql
