#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "exporters/airflow/history.h"

namespace exporter::airflow {

/// The finished runs that were left out because Airflow cannot describe them, by the slices in
/// which they are. Such a run is asked for again, and given up only after ten minutes in which
/// others could be read: so an outage costs none.
class UnreadRuns {
 public:
  /// Notes at this time that the slice was read but for so many runs: 0 if all of it was.
  void note(const Slice& slice, std::size_t runs, const std::string& error, Time now);
  /// Notes at this time that a run was read.
  void note_readable(Time now) { readable_ = now; }

  /// How far a reading has come that may pass a run only to give it up: `to`, or a slice with such
  /// a run before that.
  Time passed(Time to, bool is_old, Time now) const;
  /// Gives up the runs that changed before, which is logged.
  void give_up(Time to, bool is_old);

  /// The number of runs that will be asked for again.
  std::size_t count() const;

 private:
  struct Part {
    Time from, to;
    bool is_old;  ///< of runs that were due long ago
    Time since;
    std::size_t runs;
    std::string error;
  };

  std::vector<Part> parts_;
  Time readable_;
};

}  // namespace exporter::airflow
