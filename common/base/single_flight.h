#pragma once

#include <condition_variable>
#include <mutex>
#include <string>

#include "common/base/deadline.h"

namespace exporter {

/// Lets one thread at a time do work that may hang, such as a request whose answer all of them use.
/// The others wait no longer than their own deadlines, which they would behind a mutex.
class SingleFlight {
 public:
  /// The right to do the work, until it is destroyed.
  class Flight {
   public:
    explicit Flight(SingleFlight& of) : of_(of) {}
    ~Flight();
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;

   private:
    SingleFlight& of_;
  };

  /// Waits until nobody does the work. Throws Error{timeout} with `busy` as its text if the
  /// deadline passes first, Error{cancelled} after a stop.
  [[nodiscard]] Flight enter(const Deadline& deadline, const std::string& busy);

 private:
  std::mutex mutex_;
  std::condition_variable_any ended_;
  bool is_taken_ = false;
};

}  // namespace exporter
