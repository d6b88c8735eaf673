#pragma once

#include <set>
#include <vector>

#include "exporters/airflow/allowance.h"
#include "exporters/airflow/history.h"
#include "exporters/airflow/unread_runs.h"

namespace exporter::airflow {

/// From when on, by the server's clock, changes of runs must still be read: of recently due runs,
/// of the others, and of the former once more, because some commit late.
struct RunPosition {
  Time recent, old, late;

  bool operator==(const RunPosition&) const = default;
};

/// What is kept between two readings of a deployment's runs.
struct RunsKnown {
  RunPosition position;
  RunPosition read_up_to;  ///< 1970 before the first reading
  std::set<RunKey> live;
  std::set<RunKey> left;  ///< no longer live, but not yet read as finished
  UnreadRuns unread;
};

/// The result of a reading. If it failed, what was read is valid, and the next reading continues
/// from there.
struct RunsRead {
  std::vector<DagRun> ended;  ///< may have been read before
  RunsKnown known;            ///< for the next reading, after `ended` is counted
};

/// Finds all runs that have ended, for whatever reason. It reads the changes of runs in closed
/// slices of time up to a few seconds ago, each of which fits on one page; the last minute is read
/// again next time. For even later commits, everything is read once more when it is eleven minutes
/// old. Changes of runs that were due more than a day before the last reading are read only every
/// ten minutes, because a database scans its whole table for them; if such a run was live, it is
/// asked for by its id, also if the changes cannot be read.
///
/// A run that cannot be read costs itself alone: see UnreadRuns.
///
/// The first reading goes back as far as `lookback`, or less if very many runs ended in that time.
RunsRead read_runs(const History& history, const LiveSet<DagRun>& live, const RunsKnown& known,
                   Time::duration lookback, Allowance& allowance);

}  // namespace exporter::airflow
