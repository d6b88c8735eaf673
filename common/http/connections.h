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

/// The open connections of a server: how long each may stay in its phase, and which one goes when
/// there are too many. One is ended by shutdown(2), which wakes the thread that serves it; that
/// thread closes the descriptor, after close() was called here.
class Connections {
 public:
  enum class Phase {
    idle,       ///< waits for a request, up to the end of its headers
    receiving,  ///< reads a request's body
    working,    ///< runs the handler: as long as that takes
    sending,    ///< writes the response: as long as the client takes enough of it
  };

  /// How many may be on their way out, beyond the limit.
  static constexpr std::size_t kMaxEnding = 64;

  /// Holds at most `limit` connections. Each phase but `working` may last for `patience`; `idle`
  /// four times as long between requests, and `sending` while the client takes 64 KiB a second.
  Connections(std::size_t limit, std::chrono::milliseconds patience);

  /// Whether one more may be opened. When there is no room it ends the one that idles longest, but
  /// waits until that one had 100 ms to speak, so that a flood does not end all others at once; and
  /// while too many are still on their way out, it waits for them up to 5 s.
  bool admit();

  void open(int fd);
  void enter(int fd, Phase phase);
  void close(int fd);

  /// Admits no more, and ends connections as they are idle.
  void drain();
  bool draining() const;
  /// Whether the last one was closed by then.
  bool wait_until_none(Clock::time_point deadline);

 private:
  struct Connection {
    Phase phase;
    Clock::time_point since, until;
    Clock::time_point answered;  ///< when it was opened, or its last response began
    std::uint64_t received;      ///< what the client had received when `until` was set
    bool served;                 ///< had a response
    bool ending;                 ///< was told to end
  };
  using Table = std::unordered_map<int, Connection>;

  Table::iterator longest_idle();
  std::chrono::milliseconds patience_with(const Connection& connection) const;
  void watch(const std::stop_token& stop);
  Clock::time_point end_overdue();
  bool extend(int fd, Connection& connection, Clock::time_point now);
  void end(int fd, Connection& connection);
  /// Shuts reading alone, so that a request that has already arrived is still answered.
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

/// Raises the soft limit of open files as far as `wanted` connections need and the hard limit
/// allows; returns how many of them fit, and logs when that is not all.
std::size_t room_for_connections(std::size_t wanted);

}  // namespace exporter::http
