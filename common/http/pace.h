#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "common/base/deadline.h"
#include "common/http/client.h"
#include "common/http/failure.h"

namespace exporter::http {

/// When the next request may be sent: as the budget's rate allows, and not before the time that a
/// Retry-After named. Urgent requests go first, as far as Urgency says; each of them takes a turn
/// of those that follow, so that the rate holds all the same. Safe to use from several threads.
class Pace {
 public:
  explicit Pace(const Budget& budget);

  /// From now on it is another budget's rate. What waits has its turn already.
  void set_budget(const Budget& budget);

  /// Waits for the turn of one more request; those of equal urgency are first come, first served.
  /// Says why there is none: at once when its turn would be at the deadline or later, or when a
  /// stop was requested meanwhile.
  std::optional<Failure> wait_turn(const Deadline& deadline, Urgency urgency);

  /// No request is sent for so long; of several such times the latest holds. Returns its end.
  Clock::time_point hold(std::chrono::milliseconds time);

  /// When a request could be sent if no other came before it.
  Clock::time_point next_turn(Urgency urgency) const;

 private:
  Failure held_failure() const;
  Clock::time_point by_rate(Clock::time_point now, Urgency urgency) const;

  mutable std::mutex mutex_;  ///< of what follows
  double per_second_ = 0;
  Clock::duration interval_{};  ///< zero: no limit
  Clock::duration slack_{};     ///< how far a burst may be ahead of the rate
  Clock::time_point due_{};     ///< when the rate would be kept without a burst
  Clock::time_point held_until_{};
  std::string held_until_text_;
};

}  // namespace exporter::http
