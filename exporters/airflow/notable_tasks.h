#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ledger/ledger.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// The tasks that failed most and took longest in the last day, by whole hours: a few of them, by
/// name, however tasks are counted. Stored in a ledger's metadata when a run commits; therefore
/// callers change a copy.
class NotableTasks {
 public:
  struct Name {
    std::string dag, task;
    auto operator<=>(const Name&) const = default;
  };
  using Ranking = std::vector<std::pair<Name, double>>;  ///< the highest value first
  using Shows = std::function<bool(std::string_view dag)>;

  static constexpr std::size_t kMost = 20;  ///< in a ranking

  void load(Ledger::Run& run);
  /// Records a finished try that counts as new.
  void note(Ledger::Run& run, const TaskInstance& task);
  /// Discards tries that ended more than a day before now.
  void expire(Ledger::Run& run, Time now);

  /// For the DAGs that are shown, in the day before now: the number of failed tries, including
  /// those that are retried, and the seconds of the longest try.
  Ranking failures(const Shows& shows, Time now) const;
  Ranking longest(const Shows& shows, Time now) const;

 private:
  struct Tally {
    std::uint64_t failures = 0;
    double longest = 0;  ///< 0 unless among the longest of its hour
  };
  using Hour = std::chrono::sys_time<std::chrono::hours>;
  using Tallies = std::map<Name, Tally>;

  static void store(Ledger::Run& run, Hour hour, const Name& name, const Tally& tally);
  static void note_longest(Ledger::Run& run, Hour hour, Tallies& tallies, const Name& name,
                           double seconds);
  template <class Add>
  Ranking ranking(const Shows& shows, Time now, const Add& add) const;

  std::map<Hour, Tallies> hours_;
};

}  // namespace exporter::airflow
