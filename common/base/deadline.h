#pragma once

#include <chrono>
#include <stop_token>
#include <utility>

namespace exporter {

using Clock = std::chrono::steady_clock;

/// When work must be done, and whether anyone still wants it. A value, handed to all that waits.
class Deadline {
 public:
  static Deadline at(Clock::time_point when, std::stop_token stop = {}) {
    return {when, std::move(stop)};
  }
  static Deadline in(Clock::duration duration, std::stop_token stop = {}) {
    return {Clock::now() + duration, std::move(stop)};
  }

  Clock::time_point when() const { return when_; }
  const std::stop_token& stop() const { return stop_; }

  /// Time left, zero once it has passed or the work was cancelled.
  std::chrono::milliseconds left() const;

  /// Throws Error{timeout} once it has passed, Error{cancelled} once a stop was requested.
  void check() const;

 private:
  Deadline(Clock::time_point when, std::stop_token stop) : when_(when), stop_(std::move(stop)) {}

  Clock::time_point when_;
  std::stop_token stop_;
};

/// Returns after that time, or as soon as a stop is requested.
void pause(Clock::duration duration, const std::stop_token& stop);

}  // namespace exporter
