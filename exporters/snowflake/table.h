#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/json.h"
#include "common/metric/samples.h"

namespace exporter::snowflake {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

inline double seconds_of(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// The position of a column, by its name in lower case.
using Columns = std::map<std::string, std::size_t, std::less<>>;

/// One row; columns are identified by their names in lower case. A value is absent if the column is
/// missing, or if it is null, empty or "null", which SHOW returns for null. Throws Error{decode}
/// naming the statement and the column.
class Row {
 public:
  Row(const std::string& origin, const Columns& columns, std::vector<Json> cells);

  std::optional<std::string> text(std::string_view column) const;
  std::optional<std::string> raw(std::string_view column) const;  ///< absent only if it is null
  std::optional<double> number(std::string_view column) const;
  std::optional<bool> flag(std::string_view column) const;  ///< "true", "Y", "false", "N"
  /// Seconds with decimals, or nanoseconds, since 1970; a time zone after them is ignored.
  std::optional<Time> time(std::string_view column) const;

  /// The same for required values.
  std::string need_text(std::string_view column) const;
  double need_number(std::string_view column) const;
  /// A whole number of seconds since 1970, up to the year 9999; decimals are cut off.
  std::chrono::sys_seconds need_seconds(std::string_view column) const;

 private:
  [[noreturn]] void fail(std::string_view column, std::string_view why) const;

  const std::string& origin_;
  const Columns& columns_;
  std::vector<Json> cells_;
};

/// The result of a statement.
class Table {
 public:
  /// Parses the first response, which has the columns and the rows of partition 0. `origin` is the
  /// statement's name in errors. Throws Error{decode}.
  Table(std::string origin, const Json& answer);

  /// The number of partitions; those from 1 on must be added in order.
  std::size_t partitions() const { return partition_rows_.size(); }
  void add_partition(const Json& answer);

  std::size_t size() const { return size_; }
  bool has_column(std::string_view column) const { return columns_.contains(column); }

  /// Calls `read` with each row. A row for which it throws Error{decode} is left out and noted in
  /// the samples; if no row can be read, throws the first row's error. `read` must read the whole
  /// row before it adds any of it.
  void each_row(Samples& samples, const std::function<void(const Row&)>& read) const;

 private:
  void take_rows(const Json& data);

  std::string origin_;
  Columns columns_;
  std::vector<std::size_t> partition_rows_;
  std::vector<Json> data_;  ///< the rows of each partition
  std::size_t size_ = 0;
};

}  // namespace exporter::snowflake
