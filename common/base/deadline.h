#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <utility>

#include "common/base/clock.h"

namespace exporter {

/// When work must be done, and whether it is still wanted. A value, passed to everything that
/// waits.
class Deadline {
 public:
  /// Counts the requests that some work has sent to its sources.
  using Tally = std::atomic<std::uint64_t>;

  static Deadline at(Clock::time_point when, std::stop_token stop = {}) {
    return {when, std::move(stop)};
  }
  static Deadline in(Clock::duration duration, std::stop_token stop = {}) {
    return {Clock::now() + duration, std::move(stop)};
  }

  /// The same deadline, or `when` if that is earlier; the stop and the tally stay the same.
  Deadline no_later_than(Clock::time_point when) const;
  /// The same deadline; requests are counted in this tally instead of the old one.
  Deadline counted_into(std::shared_ptr<Tally> tally) const;

  Clock::time_point when() const { return when_; }
  const std::stop_token& stop() const { return stop_; }

  /// Time left, zero once it has passed or the work was cancelled.
  std::chrono::milliseconds left() const;

  /// Throws Error{timeout} once it has passed, Error{cancelled} once a stop was requested.
  void check() const;

  /// Must be called before each request that is sent to a source for this work, retries included.
  void count_request() const noexcept {
    if (tally_) tally_->fetch_add(1, std::memory_order_relaxed);
  }

 private:
  Deadline(Clock::time_point when, std::stop_token stop) : when_(when), stop_(std::move(stop)) {}

  Clock::time_point when_;
  std::stop_token stop_;
  std::shared_ptr<Tally> tally_;
};

/// Returns after that time, or as soon as a stop is requested.
void pause(Clock::duration duration, const std::stop_token& stop);

}  // namespace exporter
