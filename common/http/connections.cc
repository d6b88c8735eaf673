#include "common/http/connections.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>

namespace exporter::http {

namespace {

constexpr rlim_t kOtherDescriptors = 256;
constexpr std::size_t kSlowestBytesPerSecond = 64 << 10;

}  // namespace

Connections::Connections(std::size_t limit, std::chrono::milliseconds patience)
    : limit_(limit),
      patience_(patience),
      watcher_([this](const std::stop_token& stop) { watch(stop); }) {}

bool Connections::admit() {
  const std::lock_guard lock(mutex_);
  if (draining_ || ended_ >= kMaxEnded) return false;
  if (connections_.size() - ended_ < limit_) return true;
  auto oldest = connections_.end();
  for (auto each = connections_.begin(); each != connections_.end(); ++each) {
    const auto& connection = each->second;
    if (connection.phase != Phase::idle || connection.ended) continue;
    if (oldest == connections_.end() || connection.since < oldest->second.since) oldest = each;
  }
  if (oldest == connections_.end()) return false;
  end(oldest->first, oldest->second, SHUT_RDWR);
  return true;
}

void Connections::open(int fd) {
  {
    const std::lock_guard lock(mutex_);
    connections_.emplace(fd, Connection{});
  }
  enter(fd, Phase::idle);
}

void Connections::enter(int fd, Phase phase, std::size_t bytes_to_send) {
  const std::lock_guard lock(mutex_);
  auto& connection = connections_.at(fd);
  connection.phase = phase;
  connection.since = Clock::now();
  connection.until = phase == Phase::working
                         ? Clock::time_point::max()
                         : connection.since + patience_ +
                               std::chrono::seconds(bytes_to_send / kSlowestBytesPerSecond);
  if (draining_ && phase == Phase::idle) end(fd, connection, SHUT_RDWR);
  if (connection.until < next_check_) {
    next_check_ = connection.until;
    changed_.notify_all();
  }
}

void Connections::close(int fd) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(fd);
  if (found->second.ended) --ended_;
  connections_.erase(found);
  if (connections_.empty()) changed_.notify_all();
}

void Connections::drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  for (auto& [fd, connection] : connections_) {
    // Reading alone is shut, so that a request that has already arrived is still answered.
    if (connection.phase == Phase::idle) ::shutdown(fd, SHUT_RD);
  }
}

bool Connections::draining() const {
  const std::lock_guard lock(mutex_);
  return draining_;
}

bool Connections::wait_until_none(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return connections_.empty(); });
}

void Connections::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto check = next_check_;
    changed_.wait_until(lock, stop, check, [&] { return next_check_ < check; });
    if (Clock::now() >= next_check_) next_check_ = end_overdue();
  }
}

Clock::time_point Connections::end_overdue() {
  const auto now = Clock::now();
  auto next = Clock::time_point::max();
  for (auto& [fd, connection] : connections_) {
    if (connection.ended) continue;
    if (connection.until <= now) {
      end(fd, connection, SHUT_RDWR);
    } else {
      next = std::min(next, connection.until);
    }
  }
  return next;
}

void Connections::end(int fd, Connection& connection, int how) {
  if (!connection.ended) ++ended_;
  connection.ended = true;
  ::shutdown(fd, how);
}

std::size_t room_for_connections(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const rlim_t others = Connections::kMaxEnded + kOtherDescriptors;
  if (limit.rlim_cur >= wanted + others) return wanted;
  limit.rlim_cur = std::min<rlim_t>(wanted + others, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(wanted, limit.rlim_cur - std::min(others, limit.rlim_cur / 2));
}

}  // namespace exporter::http
