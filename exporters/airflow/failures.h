#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "exporters/airflow/history.h"

namespace exporter::airflow {

/// The name of a DAG, or of one of its runs, among what cannot be read.
inline std::string item_of(const std::string& dag) { return dag; }
inline std::string item_of(const RunKey& run) { return run.dag + '\n' + run.run; }
inline std::string item_of(const DagRun& run) { return item_of(key_of(run)); }

/// The failures of requests in one update, and the runs and DAGs that could not be read in it or
/// before. One that Airflow cannot describe, or of which its reply is malformed or too large, does
/// not hold up the others: it is asked for after them, and from the second failure on every five
/// minutes.
class Failures {
 public:
  /// Begins an update at this time.
  void begin(Time now) {
    now_ = now;
    error_.reset();
    count_ = 0;
    is_of_deployment_ = false;
    if (unreadable_.size() > kMostUnreadable) unreadable_.clear();
  }

  /// Whether a failure may be that of what was asked for alone.
  static bool may_be_of_one(const Error& error) {
    return !error.not_before() &&
           (error.reason() == Reason::decode || error.reason() == Reason::http_status);
  }

  /// Leaves out the runs or DAGs that are not to be asked for now, and puts those last that could
  /// not be read before.
  template <class Item>
  void arrange(std::vector<Item>& items) const {
    const auto waits = [&](const Item& item) {
      return is_unreadable(item) &&
             std::chrono::abs(now_ - unreadable_.at(item_of(item)).last) < kPause;
    };
    std::erase_if(items, waits);
    std::ranges::stable_partition(
        items, [&](const Item& item) { return !unreadable_.contains(item_of(item)); });
  }

  /// Does the work. False if it throws an Error, which is noted.
  template <class Work>
  bool attempt(const Work& work) {
    try {
      work();
      return true;
    } catch (const Error& error) {
      note(error);
      return false;
    }
  }

  /// The same for a run or a DAG.
  template <class Item, class Work>
  bool attempt(const Item& item, const Work& work) {
    try {
      work();
      note_read(item);
      return true;
    } catch (const Error& error) {
      note(item, error);
      return false;
    }
  }

  /// Whether it has failed more than once, for at least so long, and was not read since.
  template <class Item>
  bool is_unreadable(const Item& item, Time::duration time = {}) const {
    const auto found = unreadable_.find(item_of(item));
    return found != unreadable_.end() && found->second.times > 1 &&
           found->second.last - found->second.first >= time;
  }

  template <class Item>
  void note_read(const Item& item) {
    unreadable_.erase(item_of(item));
  }

  template <class Item>
  void note(const Item& item, const Error& error) {
    if (may_be_of_one(error)) {
      auto& failed = unreadable_.try_emplace(item_of(item), Failed{0, now_, now_}).first->second;
      ++failed.times;
      failed.last = now_;
    }
    note(error);
  }

  void note(const Error& error) {
    if (may_be_of_one(error) && ++count_ <= kMost) {
      if (!error_) error_ = error;
    } else if (!is_of_deployment_) {
      is_of_deployment_ = true;
      error_ = error;
    }
  }

  /// Notes that single rows of a list cannot be read, while the others can.
  void note_left_out(const Error& error) {
    if (!error_) error_ = error;
  }

  /// Whether nothing more should be requested: one is not that of a run, or there are many.
  bool are_of_deployment() const { return is_of_deployment_; }

  /// Throws an error if there were any.
  void check() const {
    if (error_) throw Error(*error_);
  }

 private:
  struct Failed {
    int times;
    Time first, last;
  };

  static constexpr int kMost = 3;
  static constexpr std::size_t kMostUnreadable = 10'000;
  static constexpr auto kPause = std::chrono::minutes(5);

  Time now_;
  std::optional<Error> error_;
  int count_ = 0;
  bool is_of_deployment_ = false;
  std::map<std::string, Failed> unreadable_;
};

}  // namespace exporter::airflow
