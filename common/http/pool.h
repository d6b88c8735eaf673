#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/deadline.h"

namespace exporter::http {

/// Lends at most `limit` objects at a time and keeps them between loans; the one given back last is
/// lent first. Safe to use from several threads; outlives its loans.
template <class Object>
class Pool {
 public:
  explicit Pool(std::size_t limit) : limit_(limit) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  struct GiveBack {
    Pool* pool;
    void operator()(Object* object) const noexcept { pool->give_back(object); }
  };
  using Loan = std::unique_ptr<Object, GiveBack>;

  /// Waits for an object until the deadline; null when none came free, or the work was cancelled.
  Loan borrow(const Deadline& deadline) {
    std::unique_lock lock(mutex_);
    const bool free = returned_.wait_until(lock, deadline.stop(), deadline.when(),
                                           [&] { return !idle_.empty() || made_ < limit_; });
    if (!free) return {nullptr, GiveBack{this}};
    if (idle_.empty()) {
      idle_.reserve(limit_);
      idle_.push_back(std::make_unique<Object>());
      ++made_;
    }
    Loan loan(idle_.back().release(), GiveBack{this});
    idle_.pop_back();
    return loan;
  }

 private:
  void give_back(Object* object) noexcept {
    {
      const std::scoped_lock lock(mutex_);
      idle_.emplace_back(object);
    }
    returned_.notify_one();
  }

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable_any returned_;
  std::vector<std::unique_ptr<Object>> idle_;  // its capacity is `limit_`: giving back cannot fail
  std::size_t made_ = 0;
};

}  // namespace exporter::http
