#pragma once

#include <functional>
#include <span>
#include <vector>

#include "exporters/airflow/history.h"

namespace exporter::airflow {

/// The number of requests that may still be sent.
class Allowance {
 public:
  explicit Allowance(std::size_t requests) : left_(requests) {}
  /// Takes one request; false if none is left.
  bool take() {
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  std::size_t left_;
};

/// The maximum number of runs whose tasks are requested at once.
constexpr std::size_t kMostRunsAtOnce = 20;

/// Reads the task instances of these runs, in as few requests as the page size allows, and calls
/// `take` with each run and all of its tasks, or a part if it has more than 10,000. Runs for which
/// no request was left are not passed, nor those that cannot be read, whose failures are noted.
/// Throws Error.
void read_tasks(const History& history, std::span<const RunKey> runs, Allowance& allowance,
                Failures& failures,
                const std::function<void(const RunKey&, std::vector<TaskInstance>)>& take);

}  // namespace exporter::airflow
