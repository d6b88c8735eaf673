#include "common/app/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <future>

#include "common/base/error.h"
#include "common/base/log.h"

namespace exporter::process {
namespace {

constexpr auto kTick = std::chrono::milliseconds(20);
constexpr auto kFlush = std::chrono::milliseconds(500);

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t blocked_signals() { return set_of({SIGHUP, SIGTERM, SIGINT}); }

/// Whichever came of the set; 0 when none did in that time.
int wait_for(const sigset_t& set, Clock::duration at_most) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(at_most);
  const timespec time{whole.count(), std::chrono::nanoseconds(at_most - whole).count()};
  const int signal = ::sigtimedwait(&set, nullptr, &time);
  return signal > 0 ? signal : 0;
}

}  // namespace

void open_standard_streams() noexcept {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    // With the opposite access mode, so that using it fails. It gets the lowest number, this one.
    ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void print(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno != EINTR) throw io_error("standard output", errno);
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void block_signals() {
  const auto signals = blocked_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Neither a closed pipe nor the file size limit must end the process.
  for (const int fails_a_write : {SIGPIPE, SIGXFSZ}) ::signal(fails_a_write, SIG_IGN);
}

int next_signal(Clock::time_point until) {
  return wait_for(blocked_signals(), std::max(until - Clock::now(), Clock::duration::zero()));
}

int interruptible(const std::function<int()>& work, std::initializer_list<int> signals,
                  const std::function<void(int signal)>& interrupted) {
  auto set = set_of(signals);
  for (const int signal : signals) {
    if (is_ignored(signal)) sigdelset(&set, signal);
  }
  auto done = std::async(std::launch::async, work);
  while (done.wait_for(kTick) != std::future_status::ready) {
    if (const int signal = wait_for(set, Clock::duration::zero()); signal != 0) interrupted(signal);
  }
  return done.get();
}

void flush_log() noexcept { log::flush(kFlush); }

void die_of(int signal) {
  flush_log();
  const auto set = set_of({signal});
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::_Exit(128 + signal);  // the system keeps from process 1 what it does not handle
}

void leave(int exit_code) {
  flush_log();
  std::_Exit(exit_code);
}

}  // namespace exporter::process
