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
/// name, however tasks are counted. Kept in the metadata of a ledger; with a run's commit it holds,
/// so it is changed in a copy.
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
  /// Takes in a try that is over and counts as new.
  void note(Ledger::Run& run, const TaskInstance& task);
  /// Discards what ended a day before now.
  void expire(Ledger::Run& run, Time now);

  /// Of the DAGs that are shown, in the day before now: how many tries failed, those that are tried
  /// again among them, and the seconds that the longest try took.
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
