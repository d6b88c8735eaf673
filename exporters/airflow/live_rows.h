#pragma once

#include <vector>

#include "exporters/airflow/deployment.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// Unfinished runs or tasks: the rows of a list in these states, without duplicates.
template <class Row>
struct LiveSet {
  std::vector<Row> rows;
  Time time;                ///< the server's clock when it was read
  std::int64_t unread = 0;  ///< rows beyond kMostLive
};
constexpr std::size_t kMostLive = 10'000;

/// The queued and running runs, in one request if there are at most 100. A row of an unexpected
/// shape is left out and noted in the samples. If Airflow cannot describe a row, the others are
/// read and the samples have its failure. Throws as Api::get() does.
LiveSet<DagRun> read_live_runs(Deployment& deployment, Samples& samples, const Deadline& deadline);

/// The same for task instances that wait, run or will be retried.
LiveSet<TaskInstance> read_live_tasks(Deployment& deployment, Samples& samples,
                                      const Deadline& deadline);

}  // namespace exporter::airflow
