#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/deadline.h"

namespace exporter::http {

/// Lends at most `limit` objects at a time and keeps as many between loans; the one returned last
/// is lent first. Thread-safe; must outlive its loans.
template <class Object>
class Pool {
 public:
  explicit Pool(std::size_t limit) : limit_(limit) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  class GiveBack {
   public:
    void operator()(Object* object) const noexcept { pool_->give_back(object, counted_); }

   private:
    friend Pool;
    GiveBack(Pool* pool, std::size_t counted) : pool_(pool), counted_(counted) {}

    Pool* pool_;
    std::size_t counted_;
  };
  using Loan = std::unique_ptr<Object, GiveBack>;

  /// Waits for an object until the deadline; null if none became free or the work was cancelled.
  Loan borrow(const Deadline& deadline) {
    std::unique_lock lock(mutex_);
    const bool free = returned_.wait_until(lock, deadline.stop(), deadline.when(),
                                           [&] { return lent_ < limit_; });
    if (!free) return {nullptr, GiveBack{this, 0}};
    return lend(1);
  }

  /// Lends one without waiting, for a borrower that would wait for its own loan.
  Loan borrow_beyond_limit() {
    const std::scoped_lock lock(mutex_);
    return lend(0);
  }

 private:
  Loan lend(std::size_t counted) {
    idle_.reserve(limit_);
    if (idle_.empty()) idle_.push_back(std::make_unique<Object>());
    Loan loan(idle_.back().release(), GiveBack{this, counted});
    idle_.pop_back();
    lent_ += counted;
    return loan;
  }

  void give_back(Object* object, std::size_t counted) noexcept {
    std::unique_ptr<Object> owned(object);
    {
      const std::scoped_lock lock(mutex_);
      lent_ -= counted;
      if (idle_.size() < limit_) idle_.push_back(std::move(owned));
    }
    returned_.notify_one();
  }

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable_any returned_;
  std::vector<std::unique_ptr<Object>> idle_;  // its capacity is `limit_`: returning cannot fail
  std::size_t lent_ = 0;
};

}  // namespace exporter::http
