#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>

#include "common/base/deadline.h"

namespace exporter::ledger {

class Turn;

/// Allows one Turn at a time.
class Turns {
 private:
  friend class Turn;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t last_ = 0;
  std::stop_token holder_stop_;
  /// Twice the number of the current turn, plus 1 during a Hold; 0 if there is none.
  std::atomic<std::uint64_t> holder_ = 0;
};

/// The right to change a ledger. A waiter takes it from a holder whose deadline was stopped,
/// because that may hang in a call to its source; but never during a Hold.
class Turn {
 public:
  /// Waits for the turn. Throws Error{timeout} or Error{cancelled} naming the ledger.
  Turn(Turns& turns, const Deadline& deadline, std::string ledger);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// While it exists, the turn cannot be taken away from its holder.
  class Hold {
   public:
    explicit Hold(Turn& turn);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    /// Whether the holder still had the turn.
    explicit operator bool() const { return is_there_; }
    /// Throws Error{cancelled} if not.
    void check() const;

   private:
    Turn& turn_;
    const bool is_there_;
  };

 private:
  bool take();
  bool change(std::uint64_t from, std::uint64_t to);
  void wake_waiters();

  Turns& turns_;
  const std::string ledger_;
  const std::stop_token stop_;
  std::uint64_t number_ = 0;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace exporter::ledger
