#include "exporters/sql/business/business.h"

#include "common/base/error.h"
#include "common/sql/value.h"
#include "exporters/sql/rows.h"

namespace exporter::sql::business {
namespace {

constexpr std::size_t kMaxRows = 100'000;

template <class Parse>
auto parse(std::string_view column, std::string_view text, Parse of) {
  try {
    return of(text);
  } catch (const Error& error) {
    throw Error(Reason::decode, std::string(column) + ": " + error.what());
  }
}

}  // namespace

Table Business::ask(const Query& query, const Deadline& deadline) const {
  return source_->database.query({query.text, source_->database.dialect()}, query.parameters,
                                 {.rows = kMaxRows}, deadline);
}

std::optional<std::string_view> Row::cell(std::string_view column) const {
  return table_.at(row_, require_column(table_, column));
}

std::string Row::text(std::string_view column) const {
  return std::string(cell(column).value_or(std::string_view()));
}

double Row::number(std::string_view column) const {
  const auto text = cell(column);
  return text ? parse(column, *text, number_of) : 0;
}

std::optional<Time> Row::time(std::string_view column) const {
  const auto text = cell(column);
  if (!text) return std::nullopt;
  return parse(column, *text, time_of);
}

std::vector<Row> rows_of(const Table& table) {
  std::vector<Row> rows;
  for (std::size_t row = 0; row < table.rows(); ++row) rows.emplace_back(table, row);
  return rows;
}

}  // namespace exporter::sql::business
