#include "common/collect/runner.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stop_token>
#include <system_error>
#include <thread>

#include "common/base/log.h"
#include "common/base/time.h"

namespace exporter {
namespace {

/// A scrape that has waited this long sets another thread on what has not begun yet.
constexpr auto kStall = std::chrono::milliseconds(20);
constexpr auto kGrace = std::chrono::seconds(1);
constexpr const char* kOverdue = "did not finish before the scrape's deadline";
constexpr int kMaxBackoff = 8;
constexpr int kLevelOnScrape = 1, kLevelBackground = 6;

const Every* background(const Collector& collector) {
  return std::get_if<Every>(&collector.schedule);
}

/// First runs are spread, so that a restart of many exporters is no thundering herd.
Clock::duration first_delay(const Collector& collector) {
  const auto most =
      std::min<Clock::duration>(background(collector)->interval / 10, std::chrono::seconds(5));
  thread_local std::minstd_rand random(std::random_device{}());
  return std::chrono::duration_cast<Clock::duration>(
      most * std::uniform_real_distribution<double>(0, 1)(random));
}

/// The outcome of one run, before it is published.
struct Run {
  std::shared_ptr<const Snapshot> snapshot;
  Status status;
  std::string duplicate;
  bool keeps_last = false;
};

void count_samples(Status& status, const Samples& samples) {
  status.samples = samples.size();
  status.duplicates = samples.duplicates();
  status.dropped = samples.dropped();
}

Run run_collector(const Collector& collector, const std::stop_token& stop) {
  Run run;
  const auto begin = Clock::now();
  try {
    Samples samples;
    collector.collect(samples, Deadline::at(begin + collector.timeout, stop));
    run.status.outcome = Status::Outcome::success;
    run.keeps_last = samples.keeps_last();
    count_samples(run.status, samples);
    run.duplicate = samples.first_duplicate();
    const int level = background(collector) != nullptr ? kLevelBackground : kLevelOnScrape;
    run.snapshot = std::make_shared<const Snapshot>(std::move(samples), level);
  } catch (const Error& error) {
    run.status.reason = error.reason();
    run.status.error = error.what();
  } catch (const std::exception& error) {
    run.status.reason = Reason::internal;
    run.status.error = error.what();
  }
  if (!run.snapshot) run.status.outcome = Status::Outcome::failure;
  run.status.duration_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return run;
}

}  // namespace

class Runner::State : public std::enable_shared_from_this<Runner::State> {
 public:
  State(std::vector<Collector> collectors, CountFailure count_failure)
      : count_failure_(std::move(count_failure)) {
    for (auto& collector : collectors) {
      Slot slot;
      if (background(collector) != nullptr) slot.due = Clock::now() + first_delay(collector);
      slot.collector = std::move(collector);
      slots_.push_back(std::move(slot));
    }
  }

  std::size_t size() const { return slots_.size(); }
  const Collector& collector(std::size_t index) const { return slots_.at(index).collector; }

  void start() {
    const std::lock_guard lock(mutex_);
    add_worker();
  }

  void stop() {
    std::unique_lock lock(mutex_);
    stop_.request_stop();
    work_.notify_all();
    done_.wait_for(lock, kGrace, [&] { return workers_ == 0; });
  }

  std::vector<View> collect(std::span<const std::size_t> wanted, Clock::time_point until,
                            Which which) {
    std::unique_lock lock(mutex_);
    std::vector<Waited> waited;
    for (const auto index : wanted) {
      auto& slot = slots_.at(index);
      if (which == Which::all || background(slot.collector) == nullptr) {
        waited.push_back({index, ++slot.wanted});
      }
    }
    wait(lock, waited, until);
    for (const auto& [index, run] : waited) {
      if (slots_[index].finished < run) note_overdue(slots_[index]);
    }
    std::vector<View> views;
    views.reserve(wanted.size());
    for (const auto index : wanted) views.push_back(view(slots_[index]));
    return views;
  }

  std::vector<View> views() const {
    const std::lock_guard lock(mutex_);
    std::vector<View> views;
    for (const auto& slot : slots_) views.push_back(view(slot));
    return views;
  }

  bool ready() const {
    const std::lock_guard lock(mutex_);
    return std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
      return background(slot.collector) == nullptr ||
             slot.status->outcome != Status::Outcome::never_ran;
    });
  }

 private:
  /// Runs are numbered by the wish they fulfil: a run fulfils all wishes made before it began.
  struct Slot {
    Collector collector;
    std::uint64_t wanted = 0, finished = 0;
    bool running = false, overdue = false;
    Clock::time_point began, due = Clock::time_point::max();
    Clock::time_point good_until = Clock::time_point::max();
    int failures = 0;
    std::string logged_error, logged_duplicate;
    std::shared_ptr<const Snapshot> snapshot;
    std::shared_ptr<const Status> status = std::make_shared<const Status>();
  };
  /// Counts the scrapes that wait, so that nobody is woken for nothing.
  class Waiter {
   public:
    explicit Waiter(std::size_t& count) : count_(count) { ++count_; }
    ~Waiter() { --count_; }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

   private:
    std::size_t& count_;
  };
  struct Waited {
    std::size_t index;
    std::uint64_t run;
  };

  bool is_ready(const Slot& slot, Clock::time_point now) const {
    return !slot.running && (slot.wanted > slot.finished || slot.due <= now);
  }

  void wait(std::unique_lock<std::mutex>& lock, const std::vector<Waited>& waited,
            Clock::time_point until) {
    const auto finished = [&] {
      return std::all_of(waited.begin(), waited.end(),
                         [&](const Waited& w) { return slots_[w.index].finished >= w.run; });
    };
    if (waited.empty()) return;
    if (idle_ > 0) notify_unlocked(lock, work_);
    const Waiter waiter(waiting_);
    while (!finished() && !stop_.stop_requested()) {
      const auto now = Clock::now();
      if (now >= until) return;
      const bool woken = done_.wait_until(lock, std::min(until, now + kStall), finished);
      if (!woken) take_over();
    }
  }

  /// Called after a stall: when something waits to begin, wakes an idle worker or adds one.
  void take_over() {
    const auto now = Clock::now();
    const bool waiting = std::any_of(slots_.begin(), slots_.end(),
                                     [&](const Slot& slot) { return is_ready(slot, now); });
    if (waiting) ensure_worker();
  }

  /// Wakes all who wait, without making them run into the lock.
  static void notify_unlocked(std::unique_lock<std::mutex>& lock, std::condition_variable& who) {
    lock.unlock();
    who.notify_all();
    lock.lock();
  }

  void ensure_worker() {
    if (idle_ > 0) {
      work_.notify_one();
    } else if (workers_ <= slots_.size()) {
      add_worker();
    }
  }

  void add_worker() {
    try {
      std::thread([state = shared_from_this()] { state->work(); }).detach();
      ++workers_;
    } catch (const std::system_error& error) {
      // No thread to be had: the workers that are there go on alone.
      if (workers_ == 0) throw Error(Reason::internal, error.what());
    }
  }

  void work() {
    ::pthread_setname_np(::pthread_self(), "collect");
    std::unique_lock lock(mutex_);
    while (!stop_.stop_requested()) {
      Slot* slot = next_ready();
      if (slot == nullptr && waiting_ > 0) {
        notify_unlocked(lock, done_);
        if (stop_.stop_requested()) break;
        slot = next_ready();
      }
      if (slot == nullptr) {
        if (idle_ >= 2) break;
        ++idle_;
        wait_for_work(lock);
        --idle_;
        continue;
      }
      // A background run may take long: somebody else must watch the clock meanwhile.
      if (background(slot->collector) != nullptr) ensure_worker();
      run(lock, *slot);
    }
    --workers_;
    done_.notify_all();
  }

  Slot* next_ready() {
    const auto now = Clock::now();
    const auto found = std::find_if(slots_.begin(), slots_.end(),
                                    [&](const Slot& slot) { return is_ready(slot, now); });
    return found == slots_.end() ? nullptr : &*found;
  }

  void wait_for_work(std::unique_lock<std::mutex>& lock) {
    auto due = Clock::time_point::max();
    for (const auto& slot : slots_) {
      if (!slot.running) due = std::min(due, slot.due);
    }
    if (due == Clock::time_point::max()) {
      work_.wait(lock);
    } else {
      work_.wait_until(lock, due);
    }
  }

  void run(std::unique_lock<std::mutex>& lock, Slot& slot) {
    const auto fulfils = slot.wanted;
    slot.running = true;
    slot.began = Clock::now();
    lock.unlock();
    auto result = run_collector(slot.collector, stop_.get_token());
    lock.lock();
    slot.running = false;
    if (stop_.stop_requested()) return;
    publish(slot, std::move(result));
    slot.finished = fulfils;
    if (Clock::now() - slot.began > kStall) done_.notify_all();
  }

  void publish(Slot& slot, Run run) {
    const auto now = Clock::now();
    const bool good = run.status.outcome == Status::Outcome::success;
    run.status.last_success_unix = good ? unix_now() : slot.status->last_success_unix;
    slot.failures = good ? 0 : slot.failures + 1;
    if (const auto* every = background(slot.collector)) {
      const int late = std::min(kMaxBackoff, 1 << std::clamp(slot.failures - 1, 0, 10));
      slot.due = now + every->interval * late;
      if (good) slot.good_until = now + every->interval + every->keep_stale_for;
    }
    if (good && run.keeps_last && slot.snapshot) {
      count_samples(run.status, slot.snapshot->samples());
    } else if (good) {
      keep_or_replace(slot.snapshot, std::move(run.snapshot));
    } else if (background(slot.collector) == nullptr) {
      slot.snapshot = nullptr;
    }
    if (!good && !slot.overdue) count_failure_(slot.collector.name, run.status.reason);
    // That it was late has been told already.
    if (slot.overdue && run.status.reason == Reason::timeout) run.status.error = kOverdue;
    log_change(slot, run);
    slot.overdue = false;
    slot.status = std::make_shared<const Status>(std::move(run.status));
  }

  /// A page that did not change keeps its rendered and compressed forms.
  static void keep_or_replace(std::shared_ptr<const Snapshot>& kept,
                              std::shared_ptr<const Snapshot> made) {
    if (!kept || !kept->samples().same_page(made->samples())) kept = std::move(made);
  }

  /// A failure is logged once, and again only when its text changes.
  void log_change(Slot& slot, const Run& run) {
    if (run.status.error != slot.logged_error) {
      if (run.status.error.empty()) {
        log::info("collector recovered", {{"collector", slot.collector.name}});
      } else {
        log::error("collector failed", {{"collector", slot.collector.name},
                                        {"reason", to_string(run.status.reason)},
                                        {"error", run.status.error}});
      }
      slot.logged_error = run.status.error;
    }
    if (!run.duplicate.empty() && run.duplicate != slot.logged_duplicate) {
      log::warn("series met twice, the first was kept",
                {{"collector", slot.collector.name}, {"series", run.duplicate}});
      slot.logged_duplicate = run.duplicate;
    }
  }

  void note_overdue(Slot& slot) {
    Run run;
    run.status = *slot.status;
    run.status.outcome = Status::Outcome::failure;
    run.status.reason = Reason::timeout;
    run.status.error = kOverdue;
    if (slot.running) {
      run.status.duration_seconds =
          std::chrono::duration<double>(Clock::now() - slot.began).count();
    }
    run.status.samples = 0;
    if (!slot.overdue) {
      slot.overdue = true;
      count_failure_(slot.collector.name, Reason::timeout);
      log_change(slot, run);
    }
    slot.snapshot = background(slot.collector) == nullptr ? nullptr : slot.snapshot;
    slot.status = std::make_shared<const Status>(std::move(run.status));
  }

  View view(const Slot& slot) const {
    const bool fresh = Clock::now() <= slot.good_until;
    return {fresh ? slot.snapshot : nullptr, slot.status};
  }

  CountFailure count_failure_;
  mutable std::mutex mutex_;
  std::condition_variable work_, done_;
  std::stop_source stop_;
  std::vector<Slot> slots_;  // never resized once a worker runs
  std::size_t workers_ = 0, idle_ = 0, waiting_ = 0;
};

Runner::Runner(std::vector<Collector> collectors, CountFailure count_failure)
    : state_(std::make_shared<State>(std::move(collectors), std::move(count_failure))) {
  state_->start();
}

Runner::~Runner() { state_->stop(); }

std::size_t Runner::size() const { return state_->size(); }
const Collector& Runner::collector(std::size_t index) const { return state_->collector(index); }

std::vector<Runner::View> Runner::collect(std::span<const std::size_t> wanted,
                                          Clock::time_point until, Which which) {
  return state_->collect(wanted, until, which);
}

std::vector<Runner::View> Runner::views() const { return state_->views(); }
bool Runner::ready() const { return state_->ready(); }

}  // namespace exporter
