#pragma once

#include <functional>
#include <span>
#include <vector>

#include "exporters/airflow/history.h"

namespace exporter::airflow {

/// How many requests may still be begun.
class Allowance {
 public:
  explicit Allowance(std::size_t requests) : left_(requests) {}
  /// Whether another one may be made, which counts as made.
  bool take() {
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  std::size_t left_;
};

/// The most runs whose tasks are asked for at once.
constexpr std::size_t kMostRunsAtOnce = 20;

/// Reads the task instances of all these runs, in as few requests as the pages of the list allow,
/// and calls `take` with each run and all that it has, of more than 10,000 a part. Runs for which
/// there was no request left are not taken. Throws Error; what was taken before is good.
void read_tasks(const History& history, std::span<const RunKey> runs, Allowance& allowance,
                const std::function<void(const RunKey&, std::vector<TaskInstance>)>& take);

}  // namespace exporter::airflow
