#include "common/collect/runner.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <system_error>
#include <thread>

#include "common/collect/places.h"

namespace exporter {
namespace {

/// A scrape that has waited this long starts another thread for collectors that have not started.
constexpr auto kStall = std::chrono::milliseconds(20);
constexpr auto kGrace = std::chrono::seconds(1);

}  // namespace

class Runner::State : public std::enable_shared_from_this<Runner::State> {
 public:
  State(std::vector<Collector> collectors, Options options) : options_(std::move(options)) {
    slots_.reserve(collectors.size());
    FirstRuns first_runs;
    for (auto& collector : collectors) {
      places_.add(collector);
      const auto first = first_runs.of(collector);
      slots_.emplace_back(std::move(collector), first);
      has_background_ = has_background_ || slots_.back().in_background();
    }
  }

  std::size_t size() const { return slots_.size(); }
  const Collector& collector(std::size_t index) const { return slots_.at(index).collector(); }

  void start() {
    const std::lock_guard lock(mutex_);
    add_worker();
  }

  void stop() {
    std::unique_lock lock(mutex_);
    stop_.request_stop();
    work_.notify_all();
    done_.notify_all();
    done_.wait_for(lock, kGrace, [&] { return workers_ == 0; });
    for (auto& [id, hung] : threads_) hung.detach();
    threads_.clear();
    join_ended();
  }

  std::vector<View> collect(std::span<const std::size_t> wanted, Clock::time_point until,
                            Which which) {
    std::unique_lock lock(mutex_);
    std::vector<Waited> waited;
    for (const auto index : wanted) {
      auto& slot = slots_.at(index);
      if (which == Which::all || !slot.in_background()) waited.push_back({index, slot.want()});
    }
    run_at_once(lock, waited);
    wait(lock, waited, until);
    const auto now = Clock::now();
    auto views = views_of(wanted, now);
    for (std::size_t i = 0, w = 0; i < wanted.size(); ++i) {
      if (w == waited.size() || waited[w].index != wanted[i]) continue;
      const auto& slot = slots_[wanted[i]];
      if (slot.finished() < waited[w++].run) views[i] = {nullptr, slot.late_status(now)};
    }
    tell(lock);
    return views;
  }

  std::vector<View> views() {
    std::unique_lock lock(mutex_);
    std::vector<std::size_t> all(slots_.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    auto views = views_of(all, Clock::now());
    tell(lock);
    return views;
  }

  std::vector<std::vector<RunRecord>> histories() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::vector<RunRecord>> all;
    for (const auto& slot : slots_) all.push_back(slot.history().runs());
    return all;
  }

  std::vector<Slot::Shown> shown() const {
    const std::lock_guard lock(mutex_);
    std::vector<Slot::Shown> all;
    for (const auto& slot : slots_) all.push_back(slot.shown());
    return all;
  }

  void inherit(const State& old, const LeaveOut& leave_out) {
    auto shown = old.shown();
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const auto& from = old.collector(i);
      for (auto& slot : slots_) {
        const auto& to = slot.collector();
        if (to.name != from.name || to.source != from.source) continue;
        if (leave_out && shown[i].snapshot) reduce(shown[i].snapshot, to, leave_out);
        slot.inherit(shown[i]);
      }
    }
  }

  bool ready() const {
    const std::lock_guard lock(mutex_);
    return std::all_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
      return !slot.in_background() || slot.status()->outcome != Status::Outcome::never_ran;
    });
  }

 private:
  struct Waited {
    std::size_t index;
    std::uint64_t run;
  };
  /// Counts waiting scrapes, so that a thread with none to wake does not notify.
  class Waiter {
   public:
    explicit Waiter(std::size_t& count) : count_(count) { ++count_; }
    ~Waiter() { --count_; }
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

   private:
    std::size_t& count_;
  };

  static void reduce(std::shared_ptr<const Snapshot>& snapshot, const Collector& collector,
                     const LeaveOut& leave_out) {
    const auto names = leave_out(collector, *snapshot);
    if (names.empty()) return;
    snapshot =
        std::make_shared<const Snapshot>(snapshot->samples().without(names), snapshot->level());
  }

  std::vector<View> views_of(std::span<const std::size_t> wanted, Clock::time_point now) {
    give_up_overdue(now);
    std::vector<View> views;
    views.reserve(wanted.size());
    for (const auto index : wanted) {
      views.push_back({slots_[index].snapshot(now), slots_[index].status()});
    }
    return views;
  }

  /// Runs the collectors that wait for nothing: waking another thread would cost more than they do.
  void run_at_once(std::unique_lock<std::mutex>& lock, const std::vector<Waited>& waited) {
    for (const auto& [index, number] : waited) {
      const auto& slot = slots_[index];
      if (!slot.collector().waits_for_nothing()) continue;
      if (!slot.is_ready(Clock::now()) || stop_.stop_requested()) continue;
      run(lock, index);
      if (waiting_ > 0) done_.notify_all();
      // Requests that arrived meanwhile are left to another thread, since there may be more at any
      // time.
      if (slot.is_ready(Clock::now())) take_over();
    }
  }

  void wait(std::unique_lock<std::mutex>& lock, const std::vector<Waited>& waited,
            Clock::time_point until) {
    const auto finished = [&] {
      return std::all_of(waited.begin(), waited.end(), [&](const Waited& w) {
        const auto& slot = slots_[w.index];
        return slot.finished() >= w.run || slot.is_given_up();
      });
    };
    if (finished()) return;
    if (!idle_until_.empty()) {
      // Unlocked, so that the worker that wakes does not block on the mutex.
      lock.unlock();
      work_.notify_one();
      lock.lock();
    }
    const Waiter waiter(waiting_);
    while (!finished() && !stop_.stop_requested()) {
      const auto now = Clock::now();
      if (now >= until) return;
      const bool woken = done_.wait_until(lock, std::min(until, now + kStall), finished);
      if (woken) return;
      give_up_overdue(Clock::now());
      take_over();
    }
  }

  /// Called after a stall: if a collector is ready to start, wakes an idle worker or adds one.
  void take_over() {
    if (next_ready() == slots_.size()) return;
    if (!idle_until_.empty()) return work_.notify_one();
    add_worker();
  }

  /// Called before a run that may take long: another worker must be ready when the next background
  /// run is due. Collectors on scrape wait for this one until the scrape sees a stall.
  void leave_watch() {
    if (!has_background_) return;
    const auto next = next_event();
    if (next == Clock::time_point::max()) return;
    if (idle_until_.empty()) {
      add_worker();
    } else if (*idle_until_.begin() > next) {
      work_.notify_one();
    }
  }

  void add_worker() {
    if (workers_ > slots_.size()) return;
    join_ended();
    try {
      std::thread thread([state = shared_from_this()] { state->work(); });
      const auto id = thread.get_id();
      threads_.emplace(id, std::move(thread));
      ++workers_;
    } catch (const std::system_error& error) {
      // No thread could be started: the existing workers continue alone.
      if (workers_ == 0) throw Error(Reason::internal, error.what());
    }
  }

  /// A detached thread could end during process exit, when the libraries that it uses are gone.
  /// These have only to return, and need no lock for that.
  void join_ended() {
    for (auto& thread : ended_) thread.join();
    ended_.clear();
  }

  void work() {
    ::pthread_setname_np(::pthread_self(), "collect");
    std::unique_lock lock(mutex_);
    while (!stop_.stop_requested()) {
      give_up_overdue(Clock::now());
      if (!notices_.empty()) {
        tell(lock);
        continue;  // stop() may have come meanwhile, and wakes only those that wait
      }
      auto index = next_ready();
      if (index == slots_.size() && waiting_ > 0) {
        lock.unlock();
        done_.notify_all();
        lock.lock();
        if (stop_.stop_requested()) break;
        index = next_ready();
      }
      if (index < slots_.size()) {
        run(lock, index);
      } else if (idle_until_.size() >= 2) {
        break;
      } else {
        wait_for_work(lock);
      }
    }
    --workers_;
    if (auto own = threads_.extract(std::this_thread::get_id())) {
      ended_.push_back(std::move(own.mapped()));
    }
    done_.notify_all();
  }

  /// The ready collector that is due longest, those that scrapes wait for first; the number of
  /// slots if there is none.
  std::size_t next_ready() const {
    const auto now = Clock::now();
    auto best = slots_.size();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (!slots_[i].is_ready(now) || !places_.has_room(i)) continue;
      if (best == slots_.size() || slots_[i].due() < slots_[best].due()) best = i;
    }
    return best;
  }

  /// Whether a worker must give up the run when it is overdue; for others the waiting scrape does.
  static bool is_watched(const Slot& slot) {
    return slot.in_background() || slot.collector().at_once > 0;
  }

  /// When the next background run is due, or a watched run overdue.
  Clock::time_point next_event() const {
    auto next = Clock::time_point::max();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (is_watched(slots_[i])) next = std::min(next, slots_[i].overdue_at());
      if (!slots_[i].in_background() || slots_[i].is_running() || !places_.has_room(i)) continue;
      next = std::min(next, slots_[i].due());
    }
    return next;
  }

  void wait_for_work(std::unique_lock<std::mutex>& lock) {
    const auto until = next_event();
    const auto idle = idle_until_.insert(until);
    if (until == Clock::time_point::max()) {
      work_.wait(lock);
    } else {
      work_.wait_until(lock, until);
    }
    idle_until_.erase(idle);
  }

  void run(std::unique_lock<std::mutex>& lock, std::size_t index) {
    auto& slot = slots_[index];
    const auto began = Clock::now();
    slot.start(began);
    places_.take(index);
    if (!slot.collector().waits_for_nothing()) leave_watch();
    const bool is_refused = places_.too_many_hang(index);
    lock.unlock();
    auto result = is_refused
                      ? refused_run(slot.collector())
                      : run_collector(slot.collector(), options_.source_label, stop_.get_token());
    lock.lock();
    if (stop_.stop_requested()) return;
    const auto now = Clock::now();
    slot.is_given_up() ? places_.end_hung(index) : places_.give_back(index);
    slot.finish(std::move(result), now, notices_);
    count_failures();
    if (now - began > kStall) done_.notify_all();
    tell(lock);
  }

  void give_up_overdue(Clock::time_point now) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].overdue_at() > now) continue;
      slots_[i].give_up(now, notices_);
      places_.hang(i);
      done_.notify_all();
    }
    count_failures();
  }

  void count_failures() {
    for (auto& notice : notices_) {
      if (std::exchange(notice.counts, false)) {
        options_.count_failure(*notice.collector, notice.reason);
      }
    }
  }

  /// Logs without the lock, because the reader of the log may be slow.
  void tell(std::unique_lock<std::mutex>& lock) {
    const auto notices = std::exchange(notices_, {});
    if (notices.empty()) return;
    lock.unlock();
    for (const auto& notice : notices) log_notice(notice);
    lock.lock();
  }

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable work_, done_;
  std::stop_source stop_;
  std::vector<Slot> slots_;  // never resized once a worker runs
  Places places_;
  bool has_background_ = false;
  Notices notices_;
  std::multiset<Clock::time_point> idle_until_;  // by idle worker: when it wakes up by itself
  std::size_t workers_ = 0, waiting_ = 0;
  std::map<std::thread::id, std::thread> threads_;  // of the workers
  std::vector<std::thread> ended_;                  // still to be joined
};

Runner::Runner(std::vector<Collector> collectors, Options options)
    : state_(std::make_shared<State>(std::move(collectors), std::move(options))) {
  state_->start();
}

Runner::~Runner() { state_->stop(); }

void Runner::inherit(const Runner& old, const LeaveOut& leave_out) {
  state_->inherit(*old.state_, leave_out);
}

std::size_t Runner::size() const { return state_->size(); }
const Collector& Runner::collector(std::size_t index) const { return state_->collector(index); }

std::vector<Runner::View> Runner::collect(std::span<const std::size_t> wanted,
                                          Clock::time_point until, Which which) {
  return state_->collect(wanted, until, which);
}

std::vector<Runner::View> Runner::views() const { return state_->views(); }
std::vector<std::vector<RunRecord>> Runner::histories() const { return state_->histories(); }
bool Runner::ready() const { return state_->ready(); }

}  // namespace exporter
