#include "common/base/single_flight.h"

#include "common/base/error.h"

namespace exporter {

SingleFlight::Flight SingleFlight::enter(const Deadline& deadline, const std::string& busy) {
  {
    std::unique_lock lock(mutex_);
    const auto is_free = [this] { return !is_taken_; };
    if (!ended_.wait_until(lock, deadline.stop(), deadline.when(), is_free)) {
      if (deadline.stop().stop_requested()) throw Error(Reason::cancelled, "cancelled");
      throw Error(Reason::timeout, busy);
    }
    is_taken_ = true;
  }
  return Flight(*this);
}

SingleFlight::Flight::~Flight() {
  {
    const std::lock_guard lock(of_.mutex_);
    of_.is_taken_ = false;
  }
  of_.ended_.notify_one();
}

}  // namespace exporter
