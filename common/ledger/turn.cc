#include "common/ledger/turn.h"

#include "common/base/error.h"

namespace exporter::ledger {

Turn::Turn(Turns& turns, const Deadline& deadline, std::string ledger)
    : turns_(turns),
      ledger_(std::move(ledger)),
      stop_(deadline.stop()),
      on_stop_(stop_, [this] { wake_waiters(); }) {
  std::unique_lock lock(turns.mutex_);
  number_ = 2 * ++turns.last_;
  const auto is_taken = [this] { return !stop_.stop_requested() && take(); };
  if (turns.changed_.wait_until(lock, stop_, deadline.when(), is_taken)) return;
  if (stop_.stop_requested()) throw Error(Reason::cancelled, "cancelled");
  throw Error(Reason::timeout, "ledger " + ledger_ + ": another run of it has not ended");
}

Turn::~Turn() {
  if (change(number_, 0)) wake_waiters();
}

/// Takes the turn if it is free or its holder was stopped. The caller holds the mutex.
bool Turn::take() {
  auto holder = turns_.holder_.load();
  if (holder != 0 && !turns_.holder_stop_.stop_requested()) return false;
  if (holder % 2 != 0 || !change(holder, number_)) return false;
  turns_.holder_stop_ = stop_;
  return true;
}

bool Turn::change(std::uint64_t from, std::uint64_t to) {
  return turns_.holder_.compare_exchange_strong(from, to);
}

void Turn::wake_waiters() {
  // Without the lock, a waiter between its check and its wait would miss the notification.
  { const std::lock_guard lock(turns_.mutex_); }
  turns_.changed_.notify_all();
}

Turn::Hold::Hold(Turn& turn)
    : turn_(turn), is_there_(turn.change(turn.number_, turn.number_ + 1)) {}

Turn::Hold::~Hold() {
  if (!is_there_) return;
  turn_.turns_.holder_.store(turn_.number_);
  if (turn_.stop_.stop_requested()) turn_.wake_waiters();
}

void Turn::Hold::check() const {
  if (is_there_) return;
  throw Error(Reason::cancelled,
              "ledger " + turn_.ledger_ + ": this run was stopped, and another one began");
}

}  // namespace exporter::ledger
