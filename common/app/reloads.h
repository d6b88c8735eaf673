#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "common/base/deadline.h"

namespace exporter {

/// Reloads, one at a time, each on a thread of its own: one that hangs holds that thread and nobody
/// who asks for another. Requests that come while one runs share the one that follows it, so that
/// each is fulfilled by a reload that began after it.
class Reloads {
 public:
  /// When a reload is late and somebody should hear of it.
  static constexpr std::chrono::seconds kPatience{60};

  /// `reload` answers what went wrong. `late` is called once for each reload that is late. Neither
  /// may throw.
  Reloads(std::function<std::optional<std::string>()> reload, std::function<void()> late,
          Clock::duration patience = kPatience);
  /// Waits for the one that runs.
  ~Reloads();
  Reloads(const Reloads&) = delete;
  Reloads& operator=(const Reloads&) = delete;

  /// Asks for a reload and returns at once.
  void request();
  /// Asks for a reload and waits for it, at most until it is late; answers what went wrong.
  std::optional<std::string> run();

  /// When note_late() is to be called next: when the one that runs is late, or one that begins now.
  Clock::time_point late_at() const;
  void note_late();

  /// Begins no more, and whoever waits in run() returns.
  void stop();
  /// Waits until none runs; whether none did by then.
  bool wait_until_idle(Clock::time_point until);

 private:
  std::uint64_t request(std::unique_lock<std::mutex>& lock);
  void work(std::unique_lock<std::mutex>& lock);
  void start_clock();
  void note_late(std::unique_lock<std::mutex>& lock);

  const std::function<std::optional<std::string>()> reload_;
  const std::function<void()> late_;
  const Clock::duration patience_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t wanted_ = 0, begun_ = 0, done_ = 0;  // numbers of reloads
  Clock::time_point began_;
  bool is_noted_late_ = false;
  std::optional<std::string> error_;  // of the last that is done
  bool running_ = false, stopped_ = false;
  std::thread thread_;
};

}  // namespace exporter
