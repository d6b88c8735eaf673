#pragma once

#include <atomic>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "common/config/json.h"

namespace exporter::snowflake {

/// What is recorded of a cell, by its column (a name and a type of rowType): the value, if that of
/// this column is one of Snowflake's own words, a number, a time or an interval, and looks like
/// one; else a pseudonym, which is the same for the same text as long as the process lives. The
/// pseudonym of "DB.SCHEMA.NAME" is made of those of its parts, and that of a text in lower case is
/// the text's in lower case, as statements join and fold names so. Needs no escape in JSON.
std::string redacted(std::string_view column, std::string_view type, std::string_view value);

/// A directory into which goes what an account answers, without its names and texts: for reports,
/// and for tests to replay. A file STATEMENT.json has the newest answer to that statement
/// (docs/snowflake.md, "Report a difference"). Nothing throws: the first failure is logged. Safe to
/// use from several threads.
class Recording {
 public:
  /// The directory is made when something is written.
  explicit Recording(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// Writes what of the rows fits into the file, and how many there were. The first of the answers
  /// has the columns.
  void add(const std::string& statement, std::span<const Json> answers) noexcept;
  /// Writes the status of a refusal, and Snowflake's code and SQL state from its body.
  void add_refusal(const std::string& statement, int status, std::string_view body) noexcept;

 private:
  void write(const std::string& statement, std::string_view text) const;
  void note_failure() noexcept;

  const std::filesystem::path directory_;
  std::atomic<bool> has_failed_ = false;
};

}  // namespace exporter::snowflake
