#include <algorithm>
#include <set>

#include "exporters/sql/reports.h"
#include "exporters/sql/trial.h"
#include "exporters/sql/written.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kShownSamples = 8000;

/// A statement and its result.
std::string text_of(const Database::Ran& ran) {
  auto text = ran.statement + ";\n\n";
  if (ran.error != nullptr) {
    return text + "refused after " + written(ran.took) + "\n  " + ran.error->what() + "\n\n";
  }
  text += counted(ran.table->rows(), "row") + " in " + written(ran.took);
  if (ran.table->rows() > kShownRows) text += ", the first " + std::to_string(kShownRows);
  return text + "\n" + written(*ran.table) + "\n";
}

/// Failures other than rejected statements.
std::string wrong_with(const Samples& samples, const std::string& failure) {
  std::string text;
  if (!failure.empty()) text += "  " + failure + "\n";
  if (!samples.first_malformed_row().empty()) {
    text += "  a row, perhaps more: " + samples.first_malformed_row() + "\n";
  }
  if (samples.duplicates() > 0) {
    text += "  " + std::to_string(samples.duplicates()) +
            " duplicate series: " + samples.first_duplicate() +
            "; the labels do not identify the rows\n";
  }
  return text;
}

ReportText explain(const Source& source, const Described& described, const Deadline& deadline) {
  const auto& collector = described.collector;
  auto text = "source " + source.name + ", collector " + collector.name + "\n" +
              pace_of(collector) + "\n\n";
  Samples samples;
  std::set<std::string> refused;
  const auto failure = try_once(described, samples, deadline,
                                [&](const std::string& name, const Database::Ran& ran) {
                                  if (name != source.name) text += "-- source " + name + "\n";
                                  text += text_of(ran);
                                  if (ran.error != nullptr) refused.insert(ran.error->what());
                                });
  std::string page;
  samples.render(Format::text, page);
  if (page.size() > kShownSamples) page.resize(page.rfind('\n', kShownSamples) + 1);
  text += counted(samples.size(), "sample") + "\n" + page;
  const bool is_told = !failure || refused.contains(failure->what());
  const auto wrong = wrong_with(samples, is_told ? "" : failure->what());
  return {text + (wrong.empty() ? "" : "\nrefused\n" + wrong) + "\n", !failure && wrong.empty()};
}

}  // namespace

ReportText explain(Source& source, const ReportInputs& inputs) {
  const auto all = described_for_trial(source);
  const auto found = std::ranges::find_if(
      all, [&](const Described& each) { return each.collector.name == inputs.argument; });
  if (found != all.end()) return explain(source, *found, inputs.deadline);
  ReportText unknown;
  for (const auto& described : all) unknown.choices.push_back(described.collector.name);
  return unknown;
}

}  // namespace exporter::sql
