#pragma once

#include <cstddef>

#include "exporters/airflow/failures.h"

namespace exporter::airflow {

/// The number of requests that may still be sent, and the failures of those that were.
class Allowance {
 public:
  Allowance(std::size_t requests, Failures& failures) : left_(requests), failures_(failures) {}

  /// Takes one request; false if none is left, or if the deployment fails.
  bool take() {
    if (left_ == 0 || failures_.are_of_deployment()) return false;
    --left_;
    return true;
  }

  Failures& failures() { return failures_; }

 private:
  std::size_t left_;
  Failures& failures_;
};

}  // namespace exporter::airflow
