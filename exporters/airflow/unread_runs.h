#pragma once

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
  /// Notes that the slice was read except for that many runs, 0 if it was read completely.
  void note(const Slice& slice, std::size_t runs, const std::string& error, Time now);
  /// Notes that some run was read.
  void note_readable(Time now) { readable_ = now; }

  /// How far a reading that has come to `to` may advance: up to the first slice with a run that
  /// must be asked for again.
  Time passed(Time to, bool is_old, Time now) const;
  /// Gives up the runs that changed before `to`, which is logged.
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
