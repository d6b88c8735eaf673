#include "common/app/reloads.h"

#include <exception>
#include <utility>

#include "common/base/log.h"

namespace exporter {

Reloads::Reloads(std::function<std::optional<std::string>()> reload, std::function<void()> late,
                 Clock::duration patience)
    : reload_(std::move(reload)), late_(std::move(late)), patience_(patience) {}

Reloads::~Reloads() {
  stop();
  if (thread_.joinable()) thread_.join();
}

void Reloads::request() {
  std::unique_lock lock(mutex_);
  request(lock);
}

std::optional<std::string> Reloads::run() {
  std::unique_lock lock(mutex_);
  const auto number = request(lock);
  const auto ended = [&] { return done_ >= number || stopped_; };
  changed_.wait_until(lock, Clock::now() + patience_, ended);
  if (done_ >= number) return error_;
  if (stopped_) return "the exporter stops";
  note_late(lock);
  return "a reload is running and does not end; the old configuration stays until it does";
}

Clock::time_point Reloads::late_at() const {
  const std::lock_guard lock(mutex_);
  return (running_ && !is_noted_late_ ? began_ : Clock::now()) + patience_;
}

void Reloads::note_late() {
  std::unique_lock lock(mutex_);
  note_late(lock);
}

void Reloads::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool Reloads::wait_until_idle(Clock::time_point until) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, until, [&] { return !running_; });
}

/// Returns the number of the reload that will fulfil the request.
std::uint64_t Reloads::request(std::unique_lock<std::mutex>& lock) {
  if (stopped_) return wanted_ + 1;
  if (wanted_ == begun_) ++wanted_;
  const auto number = wanted_;
  if (running_) {
    log::info("a reload is running, another one follows");
    return number;
  }
  running_ = true;
  start_clock();
  if (thread_.joinable()) thread_.join();  // finished, only its return is outstanding
  try {
    thread_ = std::thread([this] {
      std::unique_lock own(mutex_);
      work(own);
    });
  } catch (const std::exception&) {
    work(lock);  // no thread could be started
  }
  return number;
}

void Reloads::work(std::unique_lock<std::mutex>& lock) {
  while (begun_ < wanted_ && !stopped_) {
    begun_ = wanted_;
    lock.unlock();
    auto error = reload_();
    lock.lock();
    done_ = begun_;
    error_ = std::move(error);
    start_clock();
    changed_.notify_all();
  }
  running_ = false;
  changed_.notify_all();
}

/// Starts the clock of the next reload before its thread runs, because waiters may read it first.
void Reloads::start_clock() {
  began_ = Clock::now();
  is_noted_late_ = false;
}

void Reloads::note_late(std::unique_lock<std::mutex>& lock) {
  if (!running_ || is_noted_late_ || Clock::now() < began_ + patience_) return;
  is_noted_late_ = true;
  lock.unlock();
  late_();
  lock.lock();
}

}  // namespace exporter
