#pragma once

#include <functional>
#include <span>
#include <vector>

#include "exporters/airflow/allowance.h"
#include "exporters/airflow/history.h"

namespace exporter::airflow {

/// The maximum number of runs whose tasks are requested at once.
constexpr std::size_t kMostRunsAtOnce = 20;

/// Reads the task instances of these runs, in as few requests as the page size allows, and calls
/// `take` with each run and all of its tasks, or a part if it has more than 10,000. Runs for which
/// no request was left, or whose tasks cannot be read, are not passed.
void read_tasks(const History& history, std::span<const RunKey> runs, Allowance& allowance,
                const std::function<void(const RunKey&, std::vector<TaskInstance>)>& take);

}  // namespace exporter::airflow
