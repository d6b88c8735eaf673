#include <algorithm>
#include <vector>

#include "common/base/error.h"
#include "exporters/sql/reports.h"
#include "exporters/sql/tables_of.h"
#include "exporters/sql/trial.h"
#include "exporters/sql/written.h"

namespace exporter::sql {
namespace {

/// The tables that a statement reads, before the error: "orders, lines: no such column".
std::string text_of(const Database::Ran& ran, Dialect dialect) {
  std::string text;
  for (const auto& table : tables_of(ran.statement, dialect)) {
    text += (text.empty() ? "" : ", ") + table;
  }
  return text + (text.empty() ? "" : ": ") + ran.error->what();
}

/// What a collector did, or each thing that it failed to do.
Findings check(const Source& source, const Described& described, const Deadline& deadline) {
  const auto& name = described.collector.name;
  const auto begun = Clock::now();
  std::size_t rows = 0, statements = 0;
  std::vector<std::string> refused;
  Samples samples;
  std::string missing;
  try {
    if (described.missing) missing = described.missing(deadline);
    const auto failure =
        try_once(described, samples, deadline, [&](const auto&, const Database::Ran& ran) {
          ++statements;
          if (ran.table != nullptr) rows += ran.table->rows();
          if (ran.error == nullptr) return;
          auto text = text_of(ran, source.database.dialect());
          if (std::ranges::find(refused, text) == refused.end()) refused.push_back(text);
        });
    if (failure && refused.empty()) refused.emplace_back(failure->what());
    if (!failure) refused.clear();  // statements that were tried and are not needed
    if (failure && described.failures) refused = described.failures();
  } catch (const Error& error) {
    refused = {error.what()};
  }
  Findings findings;
  for (auto& text : refused) findings.push_back({name, std::move(text), false});
  if (!findings.empty()) return findings;
  auto text = counted(rows, "row") + " in " + written(Clock::now() - begun) + ", " +
              counted(statements, "statement") + ", " + counted(samples.size(), "sample");
  if (!missing.empty()) text += "; without " + missing;
  return {{name, std::move(text)}};
}

}  // namespace

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
  for (const auto& described : described_for_trial(source)) {
    for (auto& finding : check(source, described, deadline)) {
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

}  // namespace exporter::sql
