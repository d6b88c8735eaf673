#pragma once

#include <optional>
#include <set>
#include <vector>

#include "common/base/error.h"
#include "exporters/airflow/history.h"

namespace exporter::airflow {

/// From when on, by the server's clock, the changes of runs are still to be read: of those that
/// were due lately, of the others, and of the former once more, as some are committed late.
struct RunPosition {
  Time recent, old, late;

  bool operator==(const RunPosition&) const = default;
};

/// What is known between two looks at a deployment's runs.
struct RunsKnown {
  RunPosition position;
  RunPosition read_up_to;  ///< 1970 before the first look
  std::set<RunKey> live;
  std::set<RunKey> left;  ///< no longer live, and not yet read as finished
};

/// What a look found.
struct RunsRead {
  std::vector<DagRun> ended;  ///< may have been read before
  RunsKnown known;            ///< to be handed to the next look, once `ended` is counted
  /// Why it could not read all of it. What was read is good, and the next look goes on from there.
  std::optional<Error> failure;
};

/// Looks for runs that have ended, so that none is missed, however it ended: the changes of runs
/// are read in closed slices of time up to a few seconds ago, each of which fits one page, and the
/// last minute of a look is read again by the next. For what is committed later than that, all is
/// read once more when it is eleven minutes old. Changes of runs that were due more than a day
/// before the last look are read every ten minutes alone, as a database has to read its whole table
/// for them; one of them that was live is asked for by its id.
///
/// The first look goes back as far as `lookback`, or less where very many runs ended in that time.
/// At most `most_requests` are made.
RunsRead read_runs(const History& history, const LiveSet<DagRun>& live, const RunsKnown& known,
                   Time::duration lookback, std::size_t most_requests);

}  // namespace exporter::airflow
