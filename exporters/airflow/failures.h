#pragma once

#include <optional>

#include "common/base/error.h"

namespace exporter::airflow {

/// The failures of requests in one update. A single run, task or DAG that Airflow cannot describe,
/// or of which its reply is malformed or too large, does not hold up the others.
class Failures {
 public:
  /// Whether a failure may be that of what was asked for alone.
  static bool may_be_of_one(const Error& error) {
    return !error.not_before() &&
           (error.reason() == Reason::decode || error.reason() == Reason::http_status);
  }

  /// Does the work. False if it throws an Error, which is noted.
  template <class Work>
  bool attempt(const Work& work) {
    try {
      work();
      return true;
    } catch (const Error& error) {
      note(error);
      return false;
    }
  }

  void note(const Error& error) {
    if (may_be_of_one(error) && ++count_ <= kMost) {
      if (!error_) error_ = error;
    } else if (!is_of_deployment_) {
      is_of_deployment_ = true;
      error_ = error;
    }
  }

  /// Notes that single rows of a list cannot be read, while the others can.
  void note_left_out(const Error& error) {
    if (!error_) error_ = error;
  }

  /// Whether nothing more should be requested: one is not that of a run, or there are many.
  bool are_of_deployment() const { return is_of_deployment_; }

  /// Throws an error if there were any.
  void check() const {
    if (error_) throw Error(*error_);
  }

 private:
  static constexpr int kMost = 3;

  std::optional<Error> error_;
  int count_ = 0;
  bool is_of_deployment_ = false;
};

}  // namespace exporter::airflow
