#include "common/sql/guard.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace exporter::sql {
namespace {

constexpr std::chrono::seconds kLast(1);  // for `cancel` after its socket is shut down

}  // namespace

struct Guard::Watch {
  Clock::time_point next;  ///< when to act; the end of time for never
  std::shared_ptr<Socket> socket;
  std::function<void()> cancel;
  Socket cancel_socket = {};  ///< of the connection over which some drivers cancel
  std::thread canceller = {};
  Clock::time_point give_up = {};  ///< on `cancel`
  bool has_acted = false, is_cancelled = false;
};

/// One thread for all guards of the process, while there are any.
class Guard::Watcher : public std::enable_shared_from_this<Guard::Watcher> {
 public:
  ~Watcher() {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
    changed_.notify_all();
  }

  static std::shared_ptr<Watcher> shared() {
    static std::mutex mutex;
    static std::weak_ptr<Watcher> last;
    const std::lock_guard lock(mutex);
    auto watcher = last.lock();
    if (!watcher) last = watcher = std::make_shared<Watcher>();
    return watcher;
  }

  void add(std::shared_ptr<Watch> watch) {
    const std::lock_guard lock(mutex_);
    watches_.push_back(std::move(watch));
    changed_.notify_all();
  }

  void hurry(Watch& watch) {
    const std::lock_guard lock(mutex_);
    if (!watch.has_acted) watch.next = std::min(watch.next, Clock::now());
    changed_.notify_all();
  }

  Ended remove(const std::shared_ptr<Watch>& watch) {
    std::unique_lock lock(mutex_);
    const auto is_over = [&] { return !watch->canceller.joinable() || watch->is_cancelled; };
    if (!watch->has_acted) watch->next = Clock::time_point::max();
    const auto give_up = std::max(watch->give_up, Clock::now());
    const bool is_done = changed_.wait_until(lock, give_up, is_over);
    std::erase(watches_, watch);
    lock.unlock();
    if (!watch->canceller.joinable()) return watch->has_acted ? Ended::by_guard : Ended::by_itself;
    if (!is_done) {
      watch->canceller.detach();
      return Ended::stuck;
    }
    watch->canceller.join();
    return Ended::by_guard;
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!is_over_) {
      auto wake = Clock::time_point::max();
      for (const auto& watch : watches_) {
        if (watch->next <= Clock::now()) act(watch);
        wake = std::min(wake, watch->next);
      }
      if (wake == Clock::time_point::max()) {
        changed_.wait(lock);
      } else {
        changed_.wait_until(lock, wake);
      }
    }
  }

  void act(const std::shared_ptr<Watch>& watch) {
    const bool is_first = !std::exchange(watch->has_acted, true);
    if (is_first && watch->cancel && start_canceller(watch)) {
      watch->next = Clock::now() + kGrace;
      watch->give_up = watch->next + kLast;
      return;
    }
    watch->socket->shut_down();
    watch->cancel_socket.shut_down();
    watch->next = Clock::time_point::max();
  }

  /// False if no thread can be started.
  bool start_canceller(const std::shared_ptr<Watch>& watch) {
    try {
      watch->canceller =
          std::thread([watcher = shared_from_this(), watch] { watcher->cancel(*watch); });
      return true;
    } catch (const std::system_error&) {
      return false;
    }
  }

  void cancel(Watch& watch) {
    {
      const NoteSocket note(watch.cancel_socket);
      watch.cancel();
    }
    const std::lock_guard lock(mutex_);
    watch.is_cancelled = true;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Watch>> watches_;
  bool is_over_ = false;
  std::jthread thread_{[this] { run(); }};
};

Guard::Guard(Clock::time_point until, const std::stop_token& stop, std::shared_ptr<Socket> socket,
             std::function<void()> cancel)
    : watcher_(Watcher::shared()), watch_(std::make_shared<Watch>()) {
  watch_->next = until;
  watch_->socket = std::move(socket);
  watch_->cancel = std::move(cancel);
  watcher_->add(watch_);
  on_stop_ = std::make_unique<Stop>(
      stop, [watcher = watcher_.get(), watch = watch_] { watcher->hurry(*watch); });
}

Guard::~Guard() { release(); }

Guard::Ended Guard::release() {
  if (!ended_) {
    on_stop_.reset();
    ended_ = watcher_->remove(watch_);
  }
  return *ended_;
}

}  // namespace exporter::sql
