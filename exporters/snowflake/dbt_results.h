#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace exporter::snowflake {

/// Which of dbt's nodes ran a statement, by adapter_response.query_id in run_results.json of local
/// projects: the id of a node's last statement. The next command writes over the file, so what it
/// had is kept as long as statements of then are read.
///
/// Where there is no more room the new is left out: a statement that lost its node when it is read
/// again would count in two series.
class DbtResults {
 public:
  using Time = std::chrono::sys_seconds;

  static constexpr std::size_t kMost = 512u << 10;  ///< bytes of rows(): some 5,000 ids

  /// Of the files that the patterns of glob(7) name.
  explicit DbtResults(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

  /// Takes what the files have that have changed, unless it is too old to be asked for. Returns
  /// whether something is new. What cannot be read or taken is logged.
  bool read(Time now);

  /// What is known as a text, and back from it.
  std::string text() const;
  void load(std::string_view text);

  /// Forgets what was written before; a statement ends before its results are written.
  void drop_before(Time time);

  /// ('ID', 'NODE', 'TARGET'), ... for VALUES: letters, digits and `_ . -` alone. The target is
  /// empty where dbt was given none.
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
