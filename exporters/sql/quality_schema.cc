#include "exporters/sql/quality_schema.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/text.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxListed = 1000;
constexpr char kSeparator = '\n';

/// "TIME\ncolumn\ncolumn": the time in microseconds since 1970, 0 for none.
struct Remembered {
  std::int64_t changed = 0;
  std::vector<std::string> columns;

  static Remembered parse(std::string_view text) {
    Remembered remembered;
    remembered.changed = parse_number<std::int64_t>(next_part(text, kSeparator)).value_or(0);
    while (!text.empty()) remembered.columns.emplace_back(next_part(text, kSeparator));
    return remembered;
  }

  std::string text() const {
    auto result = std::to_string(changed);
    for (const auto& column : columns) result += kSeparator + column;
    return result;
  }
};

std::string only_in(const std::vector<std::string>& columns,
                    const std::vector<std::string>& others) {
  std::string list;
  for (const auto& column : columns) {
    const bool is_shared = std::ranges::find(others, column) != others.end();
    if (!is_shared) list += (list.empty() ? "" : ", ") + column;
  }
  return printable(list, kMaxListed);
}

}  // namespace

SchemaWatch::SchemaWatch(Ledgers& ledgers, std::string source)
    : source_(std::move(source)), ledger_(ledgers.open("quality", source_, {})) {}

std::optional<Time> SchemaWatch::note(const std::string& dataset,
                                      const std::vector<std::string>& columns,
                                      const Deadline& deadline) {
  auto run = ledger_.begin(deadline);
  const auto key = "columns/" + dataset;
  const auto text = run.metadata(key);
  auto remembered = Remembered::parse(text);
  const auto now = Ledger::wall_clock();
  const bool is_ahead = remembered.changed > (now + Ledger::kMaxAhead).time_since_epoch().count();
  if (is_ahead) remembered.changed = now.time_since_epoch().count();  // the clock was wrong
  if (is_ahead || remembered.columns != columns) {
    if (!text.empty() && remembered.columns != columns) {
      const auto added = only_in(columns, remembered.columns),
                 removed = only_in(remembered.columns, columns);
      log::warn(
          "the columns of a table have changed",
          {{"source", source_}, {"dataset", dataset}, {"added", added}, {"removed", removed}});
      remembered.changed = now.time_since_epoch().count();
    }
    remembered.columns = columns;
    run.set_metadata(key, remembered.text());
    run.commit();
  }
  if (remembered.changed == 0) return std::nullopt;
  return Time(std::chrono::microseconds(remembered.changed));
}

std::vector<std::string> described(const std::vector<TableColumn>& columns) {
  std::vector<std::string> list;
  for (const auto& column : columns) {
    auto& text = list.emplace_back(column.name + " " + column.type);
    std::ranges::replace(text, kSeparator, ' ');  // the values of an enum may hold it
  }
  return list;
}

std::vector<std::string> missing_columns(const std::vector<TableColumn>& expected,
                                         const std::vector<TableColumn>& there) {
  std::vector<std::string> missing;
  for (const auto& column : expected) {
    const auto found = std::ranges::find(there, column.name, &TableColumn::name);
    if (found == there.end()) {
      missing.push_back(column.name + " is missing");
    } else if (!column.type.empty() && !equal_ignoring_case(column.type, found->type)) {
      missing.push_back(column.name + " is " + found->type + ", not " + column.type);
    }
  }
  return missing;
}

/// FNV-1a, reduced to the 52 bits that a double can hold.
double schema_hash(const std::vector<std::string>& columns) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
  for (const auto& column : columns) {
    for (const char c : column) add(static_cast<unsigned char>(c));
    add(0);
  }
  return static_cast<double>(hash >> 12);
}

}  // namespace exporter::sql
