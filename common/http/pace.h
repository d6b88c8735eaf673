#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/deadline.h"
#include "common/http/client.h"
#include "common/http/failure.h"

namespace exporter::http {

/// Decides when the next request may be sent: as the budget's rate allows, and not before the time
/// of a Retry-After. Urgent requests go first, within the bounds of Urgency; each takes the turn of
/// a later one, so that the rate is kept. Thread-safe.
class Pace {
 public:
  explicit Pace(const Budget& budget);

  /// Changes the budget's rate. Requests that wait keep their turns.
  void set_budget(const Budget& budget);

  /// Waits for the turn of one more request; requests of equal urgency are first come, first
  /// served. Returns a failure at once if its turn would not be before the deadline, or when a stop
  /// is requested.
  std::optional<Failure> wait_turn(const Deadline& deadline, Urgency urgency);

  /// Sends no request for that long; the latest of several such times counts. Returns its end.
  Clock::time_point hold(std::chrono::milliseconds time);

  /// When a request could be sent if no other came first.
  Clock::time_point next_turn(Urgency urgency) const;

 private:
  Failure held_failure() const;
  Clock::time_point by_rate(Clock::time_point now, Urgency urgency) const;

  mutable std::mutex mutex_;  ///< of what follows
  double per_second_ = 0;
  Clock::duration interval_{};  ///< zero: no limit
  Clock::duration slack_{};     ///< how far a burst may be ahead of the rate
  Clock::time_point due_{};     ///< when the next one would be due without a burst
  Clock::time_point held_until_{};
  std::string held_until_text_;
};

}  // namespace exporter::http
