#include "common/base/deadline.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "common/base/error.h"

namespace exporter {

Deadline Deadline::no_later_than(Clock::time_point when) const {
  Deadline sooner = *this;
  sooner.when_ = std::min(when_, when);
  return sooner;
}

Deadline Deadline::counted_into(std::shared_ptr<Tally> tally) const {
  Deadline counted = *this;
  counted.tally_ = std::move(tally);
  return counted;
}

std::chrono::milliseconds Deadline::left() const {
  using std::chrono::milliseconds;
  if (stop_.stop_requested()) return milliseconds::zero();
  return std::max(std::chrono::ceil<milliseconds>(when_ - Clock::now()), milliseconds::zero());
}

void Deadline::check() const {
  if (stop_.stop_requested()) throw Error(Reason::cancelled, "cancelled");
  if (Clock::now() >= when_) throw Error(Reason::timeout, "deadline passed");
}

void pause(Clock::duration duration, const std::stop_token& stop) {
  std::mutex never;
  std::condition_variable_any stopped;
  std::unique_lock lock(never);
  stopped.wait_for(lock, stop, duration, [] { return false; });
}

}  // namespace exporter
