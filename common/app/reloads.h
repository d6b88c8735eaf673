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

/// Runs reloads one at a time, each in a thread of its own, so that a hung reload blocks nobody who
/// asks for another. Requests that arrive during a reload share the one that follows it: each is
/// fulfilled by a reload that started after it.
class Reloads {
 public:
  /// When a reload is late and is reported.
  static constexpr std::chrono::seconds kPatience{60};

  /// `reload` returns the error, if any. `late` is called once for each reload that is late.
  /// Neither may throw.
  Reloads(std::function<std::optional<std::string>()> reload, std::function<void()> late,
          Clock::duration patience = kPatience);
  /// Waits for the running reload.
  ~Reloads();
  Reloads(const Reloads&) = delete;
  Reloads& operator=(const Reloads&) = delete;

  /// Asks for a reload and returns at once.
  void request();
  /// Asks for a reload and waits until it ends or is late; returns the error, if any.
  std::optional<std::string> run();

  /// When note_late() is to be called next: when the running reload, or one that starts now, is
  /// late.
  Clock::time_point late_at() const;
  void note_late();

  /// Starts no more reloads; calls of run() return.
  void stop();
  /// Waits until no reload runs; false at the timeout.
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
  std::optional<std::string> error_;  // of the last finished one
  bool running_ = false, stopped_ = false;
  std::thread thread_;
};

}  // namespace exporter
