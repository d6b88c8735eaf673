#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace exporter::snowflake {

/// Maps statements to the dbt nodes that ran them, by adapter_response.query_id in the
/// run_results.json of local projects: the id of a node's last statement. The next command
/// overwrites the file, so its content is kept as long as statements from that time are read.
///
/// When it is full, new entries are left out: if a statement lost its node before it is read again,
/// it would count in two series.
class DbtResults {
 public:
  using Time = std::chrono::sys_seconds;

  static constexpr std::size_t kMost = 512u << 10;  ///< bytes of rows(): some 5,000 ids

  /// The files match glob(7) patterns.
  explicit DbtResults(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

  /// Reads the files that have changed, except for results that are too old to be needed. Those
  /// from the future, because a clock was wrong, were written now. Returns whether there are new
  /// ones. Logs what cannot be read or stored.
  bool read(Time now);

  /// Converts the results to a text and back.
  std::string text() const;
  void load(std::string_view text);

  /// Discards results written before then; a statement ends before its results are written.
  void drop_before(Time time);

  /// ('ID', 'NODE', 'TARGET'), ... for VALUES: only letters, digits and `_ . -`. The target is
  /// empty if dbt had none.
  std::string rows() const;

 private:
  using Version = std::pair<std::filesystem::file_time_type, std::uintmax_t>;
  using Versions = std::map<std::string, Version>;  ///< by path
  struct Result {
    Time written;
    std::string node, target;
  };

  void read_file(const std::string& path, Time now, const Versions& known);
  bool add(const std::string& id, Result result);

  const std::vector<std::string> patterns_;
  Versions versions_;                      ///< of the files that were read
  std::map<std::string, Result> results_;  ///< by query id
  std::size_t size_ = 0;                   ///< bytes of rows()
};

}  // namespace exporter::snowflake
