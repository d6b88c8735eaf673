#include <algorithm>
#include <cstdio>

#include "common/base/error.h"
#include "common/base/text.h"
#include "exporters/sql/reports.h"
#include "exporters/sql/rows.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kShownRows = 20, kShownCell = 40, kShownSamples = 8000;

std::string seconds_since(Clock::time_point begun) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s",
                std::chrono::duration<double>(Clock::now() - begun).count());
  return text;
}

std::string cell(const Table& table, std::size_t row, std::size_t column) {
  const auto text = table.at(row, column);
  return text ? printable(*text, kShownCell) : "NULL";
}

/// The first rows, in columns.
std::string rows_of(const Table& table) {
  const auto rows = std::min(table.rows(), kShownRows);
  std::vector<std::vector<std::string>> lines{table.columns()};
  for (std::size_t row = 0; row < rows; ++row) {
    auto& line = lines.emplace_back();
    for (std::size_t i = 0; i < table.columns().size(); ++i) line.push_back(cell(table, row, i));
  }
  std::string text;
  for (const auto& line : lines) {
    std::string written;
    for (std::size_t i = 0; i < line.size(); ++i) {
      std::size_t width = 0;
      for (const auto& other : lines) width = std::max(width, other[i].size());
      written += "  " + line[i];
      written.append(width - line[i].size(), ' ');
    }
    text += written.substr(0, written.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string counted(std::size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

/// What the metrics make of the rows; what goes wrong with one of them says nothing of the others.
std::string samples_of(const Table& table, const CollectorConfig& config, const Source& source) {
  Samples samples;
  std::string wrong;
  for (const auto& metric : config.metrics) {
    try {
      add_rows(samples, table, *metric, source.name);
    } catch (const Error& error) {
      wrong += "  " + metric->name + ": " + error.what() + "\n";
    }
  }
  std::string page;
  samples.render(Format::text, page);
  if (page.size() > kShownSamples) page.resize(page.rfind('\n', kShownSamples) + 1);
  auto text = "\n" + counted(samples.size(), "sample") + "\n" + page;
  if (!samples.first_malformed_row().empty()) {
    wrong += "  a row, perhaps more: " + samples.first_malformed_row() + "\n";
  }
  if (samples.duplicates() > 0) {
    wrong += "  " + counted(samples.duplicates(), "duplicate series") + ": " +
             samples.first_duplicate() + "; the labels do not tell the rows apart\n";
  }
  return wrong.empty() ? text : text + "\nrefused\n" + wrong;
}

/// The counters that the rows make for a ledger that is new.
std::string counters_of(const std::shared_ptr<const CollectorConfig>& config, Source& source,
                        const Deadline& deadline) {
  Samples samples;
  const std::shared_ptr<Source> borrowed(std::shared_ptr<Source>(), &source);
  make_events(borrowed, config, config->events->late)(samples, deadline);
  std::string page;
  samples.render(Format::text, page);
  auto text = "\n" + counted(samples.size(), "sample") + " of what happened in the last " +
              "allowed lateness; counting starts with the first run\n" + page;
  if (samples.failure()) text += "\nrefused\n  " + std::string(samples.failure()->what()) + "\n";
  if (!samples.first_malformed_row().empty()) {
    text += "\nrefused\n  a row, perhaps more: " + samples.first_malformed_row() + "\n";
  }
  return text;
}

Table run(Source& source, const CollectorConfig& config, const Deadline& deadline) {
  const auto until = Clock::now() + config.timeout;
  return source.database.query(config.statement, parameters_now(config), {.rows = config.max_rows},
                               deadline.no_later_than(until));
}

Finding check(Source& source, const CollectorConfig& config, const Deadline& deadline) {
  const auto begun = Clock::now();
  try {
    const auto table = run(source, config, deadline);
    for (const auto& metric : config.metrics) {
      for (const auto& label : metric->label_columns) require_column(table, label);
      if (!metric->value.empty() && !metric->constant) require_column(table, metric->value);
    }
    return {config.name, counted(table.rows(), "row") + " in " + seconds_since(begun)};
  } catch (const Error& error) {
    return {config.name, error.what(), false};
  }
}

}  // namespace

std::string explain(Source& source, const ReportInputs& inputs) {
  const auto found = std::ranges::find_if(
      source.collectors, [&](const auto& config) { return config->name == inputs.argument; });
  if (found == source.collectors.end()) return {};
  const auto& config = **found;
  std::string text = "source " + source.name + ", collector " + config.name + "\n" +
                     pace_of(config) + "\n\n" + config.statement.text(parameters_now(config)) +
                     ";\n\n";
  const auto begun = Clock::now();
  try {
    const auto table = run(source, config, inputs.deadline);
    text += counted(table.rows(), "row") + " in " + seconds_since(begun);
    text += table.rows() > kShownRows ? ", the first " + std::to_string(kShownRows) + "\n" : "\n";
    text += rows_of(table);
    text += config.events ? counters_of(*found, source, inputs.deadline)
                          : samples_of(table, config, source);
  } catch (const Error& error) {
    text += "refused after " + seconds_since(begun) + "\n  " + error.what() + "\n";
  }
  return text + "\n";
}

Findings check_source(Source& source, std::span<const std::string_view>, const Deadline& deadline) {
  Findings findings;
  try {
    const Statement statement("SELECT 1 AS one", source.database.dialect());
    source.database.query(statement, {}, {}, deadline);
    const auto figures = source.database.figures();
    findings.push_back({"login", figures.server});
    for (const auto& setting : figures.unset) findings.push_back({"session", setting, true});
  } catch (const Error& error) {
    return {{"login", error.what(), false}};
  }
  for (const auto& config : source.collectors) {
    findings.push_back(check(source, *config, deadline));
  }
  return findings;
}

}  // namespace exporter::sql
