#include "exporters/sql/reports.h"

#include <map>
#include <utility>
#include <vector>

#include "exporters/sql/tables_of.h"
#include "exporters/sql/trial.h"
#include "exporters/sql/written.h"

namespace exporter::sql {
namespace {

/// A statement, and a line for each collector that uses it.
struct Entry {
  std::string heads, text;
};

/// "-- source warehouse, collector reconcile of shop: every 10m, timeout 10m".
std::string head_of(const Planned& planned, const Collector& collector, const std::string& source) {
  auto head = "-- source " + planned.source + ", collector " + collector.name;
  if (planned.source != source) head += " of " + source;
  head += ": " + pace_of(collector);
  if (!planned.note.empty()) head += "; " + planned.note;
  return head + "\n";
}

}  // namespace

ReportText write_statements(Source& source, const ReportInputs&) {
  std::vector<Entry> entries;
  std::map<std::pair<std::string, std::string>, std::size_t> known;  // by source and shape
  for (const auto& described : described_for_trial(source)) {
    for (const auto& planned : described.plan()) {
      const auto shape = shape_of(planned.text, planned.database->dialect());
      const auto [at, is_new] = known.try_emplace({planned.source, shape}, entries.size());
      if (is_new) entries.push_back({{}, planned.text});
      auto& heads = entries[at->second].heads;
      const auto head = head_of(planned, described.collector, source.name);
      if (heads.find(head) == std::string::npos) heads += head;
    }
  }
  std::string text;
  for (const auto& entry : entries) text += entry.heads + entry.text + ";\n\n";
  return {text};
}

}  // namespace exporter::sql
