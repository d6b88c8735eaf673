#include "exporters/snowflake/table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::snowflake {
namespace {

constexpr std::size_t kMostPartitions = 1000, kMostRows = 1'000'000;
constexpr std::int64_t kMostSeconds = 253'402'300'799;  // the end of the year 9999
constexpr std::size_t kNanosecondDigits = 14;  // larger numbers are not seconds of this age

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// "1780572171.880", "-5", "1565481394123000000", "1616173619.000000000 1500".
std::optional<Time> time_of(std::string_view text) {
  const auto zone = text.find(' ');
  if (zone != std::string_view::npos && !is_digits(text.substr(zone + 1))) return std::nullopt;
  text = text.substr(0, zone);
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const auto dot = text.find('.');
  const auto whole = text.substr(0, dot);
  if (!is_digits(whole)) return std::nullopt;
  const auto number = parse_number<std::int64_t>(whole);
  if (!number) return std::nullopt;
  std::int64_t micros = 0;
  if (dot == std::string_view::npos && whole.size() >= kNanosecondDigits) {
    micros = *number / 1000;
  } else {
    if (*number > kMostSeconds) return std::nullopt;
    micros = *number * 1'000'000;
    if (dot != std::string_view::npos) {
      const auto decimals = text.substr(dot + 1);
      if (!is_digits(decimals) || decimals.size() > 9) return std::nullopt;
      std::string six(decimals.substr(0, 6));
      six.resize(6, '0');
      micros += *parse_number<std::int64_t>(six);
    }
  }
  return Time(std::chrono::microseconds(is_negative ? -micros : micros));
}

}  // namespace

Row::Row(const std::string& origin, const Columns& columns, std::vector<Json> cells)
    : origin_(origin), columns_(columns), cells_(std::move(cells)) {
  if (cells_.size() < columns_.size()) {
    throw Error(Reason::decode, origin_ + ": a row with " + std::to_string(cells_.size()) +
                                    " values for " + std::to_string(columns_.size()) + " columns");
  }
}

std::optional<std::string> Row::raw(std::string_view column) const {
  const auto found = columns_.find(column);
  if (found == columns_.end()) return std::nullopt;
  const auto& cell = cells_[found->second];
  if (cell.is_null()) return std::nullopt;
  if (!cell.is_string()) fail(column, "expected text");
  return cell.string();
}

std::optional<std::string> Row::text(std::string_view column) const {
  auto text = raw(column);
  if (text && (text->empty() || *text == "null")) return std::nullopt;
  return text;
}

std::optional<double> Row::number(std::string_view column) const {
  const auto value = text(column);
  if (!value) return std::nullopt;
  const auto number = parse_number<double>(*value);
  if (!number || !std::isfinite(*number)) fail(column, "expected a number");
  return number;
}

std::optional<bool> Row::flag(std::string_view column) const {
  const auto value = text(column);
  if (!value) return std::nullopt;
  const auto word = to_lower(*value);
  if (word == "true" || word == "y") return true;
  if (word == "false" || word == "n") return false;
  fail(column, "expected true, false, Y or N");
}

std::optional<Time> Row::time(std::string_view column) const {
  const auto value = text(column);
  if (!value) return std::nullopt;
  const auto time = time_of(*value);
  if (!time) fail(column, "expected a time in seconds, got \"" + printable(*value, 40) + '"');
  return time;
}

std::string Row::need_text(std::string_view column) const {
  auto value = text(column);
  if (!value) fail(column, "expected a value");
  return *std::move(value);
}

double Row::need_number(std::string_view column) const {
  const auto value = number(column);
  if (!value) fail(column, "expected a value");
  return *value;
}

std::chrono::sys_seconds Row::need_seconds(std::string_view column) const {
  const auto seconds = need_number(column);
  if (!(seconds >= 0 && seconds <= kMostSeconds)) fail(column, "expected seconds since 1970");
  return std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

void Row::fail(std::string_view column, std::string_view why) const {
  throw Error(Reason::decode,
              origin_ + ": column " + std::string(column) + ": " + std::string(why));
}

Table::Table(std::string origin, const Json& answer) : origin_(std::move(origin)) {
  const auto metadata = answer.at("resultSetMetaData");
  for (const auto& column : metadata.at("rowType").items()) {
    columns_.emplace(to_lower(column.at("name").string()), columns_.size());
  }
  if (columns_.size() != metadata.at("rowType").items().size()) {
    throw Error(Reason::decode, origin_ + ": two columns have the same name");
  }
  std::size_t expected = 0;
  if (const auto partitions = metadata.find("partitionInfo")) {
    for (const auto& partition : partitions->items()) {
      const auto rows = partition.at("rowCount").integer();
      if (rows < 0) partition.fail("a negative number of rows");
      expected += static_cast<std::size_t>(rows);
      partition_rows_.push_back(static_cast<std::size_t>(rows));
    }
  }
  if (partition_rows_.empty()) partition_rows_.push_back(answer.at("data").items().size());
  if (partition_rows_.size() > kMostPartitions || expected > kMostRows) {
    throw Error(Reason::decode, origin_ + ": more than " + std::to_string(kMostRows) +
                                    " rows, or than " + std::to_string(kMostPartitions) +
                                    " partitions");
  }
  take_rows(answer.at("data"));
}

void Table::add_partition(const Json& answer) { take_rows(answer.at("data")); }

void Table::take_rows(const Json& data) {
  const auto partition = data_.size();
  const auto rows = data.items().size();
  if (partition >= partition_rows_.size() || rows != partition_rows_[partition]) {
    throw Error(Reason::decode, origin_ + ": partition " + std::to_string(partition) + " has " +
                                    std::to_string(rows) + " rows, not those that were announced");
  }
  data_.push_back(data);
  size_ += rows;
}

void Table::each_row(Samples& samples, const std::function<void(const Row&)>& read) const {
  std::optional<Error> first;
  std::size_t good = 0;
  for (const auto& data : data_) {
    for (const auto& row : data.items()) {
      try {
        read(Row(origin_, columns_, row.items()));
        ++good;
      } catch (const Error& error) {
        if (error.reason() != Reason::decode) throw;
        if (!first) first = error;
      }
    }
  }
  if (!first) return;
  if (good == 0) throw Error(*first);
  samples.note_malformed_row(first->what());
}

}  // namespace exporter::snowflake
