#include "common/base/line_writer.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace exporter {
namespace {

constexpr std::size_t kMaxWaiting = 4 << 20;  // bytes
constexpr std::chrono::seconds kPatience{1};

/// Whether poll(2) reports that a write would block. For a file it never does, and for a terminal
/// not if part of the line fits.
bool is_polled(int descriptor) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return true;  // it cannot be written at all
  return S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode);
}

/// Waits for room, without a timeout for -1 ms. A pipe then has room for PIPE_BUF bytes (pipe(7)).
bool has_room(int descriptor, int milliseconds) {
  pollfd polled{descriptor, POLLOUT, 0};
  return ::poll(&polled, 1, milliseconds) > 0;
}

}  // namespace

class LineWriter::State : public std::enable_shared_from_this<LineWriter::State> {
 public:
  State(int descriptor, Notice notice)
      : descriptor_(descriptor), is_polled_(is_polled(descriptor)), notice_(notice) {}

  void write(std::string line) {
    std::unique_lock lock(mutex_);
    if (waiting_ + line.size() > kMaxWaiting) {
      ++dropped_;
      return;
    }
    waiting_ += line.size();
    lines_.push_back(std::move(line));
    if (writing_) return;
    writing_ = true;
    const bool fits = is_polled_ && lines_.front().size() <= PIPE_BUF;
    if (fits && has_room(descriptor_, 0)) write_first(lock);
    if (lines_.empty()) return stop_writing();
    hand_over(lock);
    if (!is_polled_) wait_until_written(lock, Clock::now() + kPatience);
  }

  bool flush(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    return wait_until_written(lock, until);
  }

  std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  bool wait_until_written(std::unique_lock<std::mutex>& lock, Clock::time_point until) {
    return written_.wait_until(lock, until, [&] { return lines_.empty() && !writing_; });
  }

  void stop_writing() {
    writing_ = false;
    written_.notify_all();
  }

  void hand_over(std::unique_lock<std::mutex>& lock) {
    try {
      std::thread([state = shared_from_this()] {
        std::unique_lock own(state->mutex_);
        state->write_all(own);
      }).detach();
    } catch (const std::exception&) {  // no thread could be started
      if (!is_polled_) return write_all(lock);
      stop_writing();  // the next line tries again
    }
  }

  void write_all(std::unique_lock<std::mutex>& lock) {
    while (!lines_.empty()) {
      if (write_first(lock)) continue;
      lock.unlock();
      has_room(descriptor_, -1);
      lock.lock();
    }
    stop_writing();
  }

  /// One write(2) of what is left of the first line, without the lock; no other thread removes
  /// lines. False if there was no room.
  bool write_first(std::unique_lock<std::mutex>& lock) {
    const auto rest = std::string_view(lines_.front()).substr(offset_);
    lock.unlock();
    const auto count = ::write(descriptor_, rest.data(), rest.size());
    const int error = count < 0 ? errno : 0;
    lock.lock();
    if (error == EINTR || error == EAGAIN) return error == EINTR;
    if (error == 0 && static_cast<std::size_t>(count) < rest.size()) {
      offset_ += static_cast<std::size_t>(count);
      return true;
    }
    waiting_ -= std::exchange(lines_.front(), {}).size();
    lines_.pop_front();
    offset_ = 0;
    if (error != 0) {
      ++dropped_;
    } else if (dropped_ != noticed_) {
      add_notice();
    }
    return true;
  }

  /// All queued lines are older than the dropped ones, and new lines are newer.
  void add_notice() {
    try {
      lines_.push_back(notice_(dropped_ - noticed_));
      waiting_ += lines_.back().size();
      noticed_ = dropped_;
    } catch (const std::exception&) {
      return;  // out of memory: the next written line tries again
    }
  }

  const int descriptor_;
  const bool is_polled_;
  const Notice notice_;
  mutable std::mutex mutex_;
  std::condition_variable written_;
  std::deque<std::string> lines_;
  std::size_t waiting_ = 0;  // bytes of `lines_`
  std::size_t offset_ = 0;   // of the first line's bytes that are not written yet
  bool writing_ = false;     // by a caller or the thread, one at a time
  std::uint64_t dropped_ = 0, noticed_ = 0;
};

LineWriter::LineWriter(int descriptor, Notice notice)
    : state_(std::make_shared<State>(descriptor, notice)) {}

void LineWriter::write(std::string line) { state_->write(std::move(line)); }
bool LineWriter::flush(Clock::time_point until) { return state_->flush(until); }
std::uint64_t LineWriter::dropped() const { return state_->dropped(); }

}  // namespace exporter
