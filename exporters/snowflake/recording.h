#pragma once

#include <atomic>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "common/config/json.h"

namespace exporter::snowflake {

/// What is recorded of a cell, depending on its column (a name and a type in rowType). The value
/// itself, if the column's values are Snowflake's own words, numbers, times or intervals, and it
/// looks like one. Else a pseudonym, which is the same for the same text during the life of the
/// process. The pseudonym of "DB.SCHEMA.NAME" consists of those of its parts, and that of a text in
/// lower case is the lower case of the text's, because statements join and fold names like that.
/// Needs no escaping in JSON.
std::string redacted(std::string_view column, std::string_view type, std::string_view value);

/// A directory of an account's results, without its names and texts: for bug reports, and for tests
/// to replay. A file STATEMENT.json has the newest result of that statement (docs/snowflake.md,
/// "Report a difference"). Never throws; the first failure is logged. Thread-safe.
class Recording {
 public:
  /// The directory is created with its first file.
  explicit Recording(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// Writes the rows that fit into the file, and their total number. The first result has the
  /// columns.
  void add(const std::string& statement, std::span<const Json> answers) noexcept;
  /// Writes the status of a rejection, and Snowflake's code and SQL state from its body.
  void add_refusal(const std::string& statement, int status, std::string_view body) noexcept;

 private:
  void write(const std::string& statement, std::string_view text) const;
  void note_failure() noexcept;

  const std::filesystem::path directory_;
  std::atomic<bool> has_failed_ = false;
};

}  // namespace exporter::snowflake
