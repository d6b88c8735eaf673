#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "common/base/deadline.h"

namespace exporter::http {

/// The open connections of a server: how long each may stay in its phase, and which to close when
/// there are too many. Closing is a shutdown(2), which wakes the connection's thread; that thread
/// calls close() here and then closes the descriptor.
class Connections {
 public:
  enum class Phase {
    idle,       ///< waits for a request and the end of its headers
    receiving,  ///< reads a request's body
    working,    ///< runs the handler, without a time limit
    sending,    ///< writes the response, as long as the client reads fast enough
  };

  /// How many may be closing, beyond the limit.
  static constexpr std::size_t kMaxEnding = 64;

  /// Allows at most `limit` connections. Each phase except `working` may last for `patience`;
  /// `idle` four times as long between requests, and `sending` while the client reads 64 KiB a
  /// second.
  Connections(std::size_t limit, std::chrono::milliseconds patience);

  /// Whether one more may be opened. If there is no room, closes the connection that has been idle
  /// longest, but not before it had 100 ms to send a request, so that a flood does not close all
  /// others at once. While too many are still closing, waits for them up to 5 s.
  bool admit();

  void open(int fd);
  void enter(int fd, Phase phase);
  void close(int fd);

  /// Admits no more, and closes connections as they become idle.
  void drain();
  bool draining() const;
  /// Waits until the last one is closed; false at the deadline.
  bool wait_until_none(Clock::time_point deadline);

 private:
  struct Connection {
    Phase phase;
    Clock::time_point since, until;
    Clock::time_point answered;  ///< when it was opened, or its last response started
    std::uint64_t received;      ///< what the client had received when `until` was set
    bool served;                 ///< has had a response
    bool ending;                 ///< is being closed
  };
  using Table = std::unordered_map<int, Connection>;

  Table::iterator longest_idle();
  std::chrono::milliseconds patience_with(const Connection& connection) const;
  void watch(const std::stop_token& stop);
  Clock::time_point end_overdue();
  bool extend(int fd, Connection& connection, Clock::time_point now);
  void end(int fd, Connection& connection);
  /// Shuts down only reading, so that a request that has already arrived is still answered.
  void end_unless_spoken(int fd, Connection& connection);

  const std::size_t limit_;
  const std::chrono::milliseconds patience_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Table connections_;
  std::size_t ending_ = 0;
  bool draining_ = false;
  Clock::time_point next_check_ = Clock::time_point::max();
  std::jthread watcher_;
};

/// Raises the soft limit on open files for `wanted` connections, as far as the hard limit allows;
/// returns how many fit, and logs if that is fewer.
std::size_t room_for_connections(std::size_t wanted);

}  // namespace exporter::http
