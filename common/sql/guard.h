#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "common/base/clock.h"
#include "common/sql/socket.h"

namespace exporter::sql {

/// Limits the time of one call into a driver. At `until`, or when a stop is requested, it calls
/// `cancel` in a thread of its own, because that may hang as well; kGrace later it shuts the socket
/// down. Without `cancel` it shuts the socket down at once.
class Guard {
 public:
  static constexpr std::chrono::seconds kGrace{2};

  Guard(Clock::time_point until, const std::stop_token& stop, std::shared_ptr<Socket> socket,
        std::function<void()> cancel = {});
  /// Calls release() unless that was done.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  enum class Ended {
    by_itself,
    by_guard,  ///< the call may have been cut short: the connection's state is unknown
    stuck,     ///< `cancel` still runs: what it uses can never be freed
  };
  /// Stops the guard after the call has returned. Waits for `cancel`, a few seconds at most.
  Ended release();

 private:
  class Watcher;
  struct Watch;

  std::shared_ptr<Watcher> watcher_;
  std::shared_ptr<Watch> watch_;
  using Stop = std::stop_callback<std::function<void()>>;
  std::unique_ptr<Stop> on_stop_;
  std::optional<Ended> ended_;
};

}  // namespace exporter::sql
