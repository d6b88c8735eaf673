#include "common/http/pace.h"

#include <algorithm>
#include <sstream>

#include "common/base/time.h"

namespace exporter::http {

namespace {

constexpr int kUrgentAhead = 10;  // requests

Clock::duration interval_of(double per_second) {
  if (per_second <= 0) return Clock::duration::zero();
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / per_second));
}

Failure budget_failure(double per_second) {
  std::ostringstream rate;
  rate << per_second;
  return {Reason::rate_limited,
          "not sent: the budget (requests_per_second: " + rate.str() +
              ") leaves no time for it before the deadline",
          Failure::Again::never};
}

}  // namespace

Pace::Pace(const Budget& budget) { set_budget(budget); }

void Pace::set_budget(const Budget& budget) {
  const std::lock_guard lock(mutex_);
  per_second_ = budget.requests_per_second;
  interval_ = interval_of(per_second_);
  slack_ = interval_ * static_cast<Clock::rep>(std::max<std::size_t>(budget.burst, 1) - 1);
}

Clock::time_point Pace::by_rate(Clock::time_point now, Urgency urgency) const {
  const auto ahead = urgency == Urgency::urgent ? kUrgentAhead * interval_ : Clock::duration();
  return std::max(now, due_ - slack_ - ahead);
}

Clock::time_point Pace::next_turn(Urgency urgency) const {
  const std::lock_guard lock(mutex_);
  return std::max(by_rate(Clock::now(), urgency), held_until_);
}

Failure Pace::held_failure() const {
  return {Reason::rate_limited,
          "not sent: the server asked for no more requests until " + held_until_text_ +
              " (Retry-After)",
          Failure::Again::never, held_until_};
}

std::optional<Failure> Pace::wait_turn(const Deadline& deadline, Urgency urgency) {
  for (;;) {
    Clock::time_point turn;
    bool taken = false;
    {
      const std::lock_guard lock(mutex_);
      const auto now = Clock::now();
      if (held_until_ > now) {
        if (held_until_ >= deadline.when()) return held_failure();
        turn = held_until_;
      } else {
        turn = by_rate(now, urgency);
        if (turn > now && turn >= deadline.when()) return budget_failure(per_second_);
        due_ = std::max(due_, turn) + interval_;
        taken = true;
        if (turn <= now) return std::nullopt;
      }
    }
    pause(turn - Clock::now(), deadline.stop());
    if (deadline.stop().stop_requested()) {
      return Failure{Reason::cancelled, "cancelled", Failure::Again::never};
    }
    const std::lock_guard lock(mutex_);
    if (taken && held_until_ <= Clock::now()) return std::nullopt;
  }
}

Clock::time_point Pace::hold(std::chrono::milliseconds time) {
  const auto until = Clock::now() + time;
  const auto wall = std::chrono::system_clock::now() + time;
  const std::lock_guard lock(mutex_);
  if (until > held_until_) {
    held_until_ = until;
    held_until_text_ =
        format_rfc3339(std::chrono::time_point_cast<std::chrono::milliseconds>(wall));
  }
  return held_until_;
}

}  // namespace exporter::http
