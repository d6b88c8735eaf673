#include "common/http/connections.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>

#include "common/base/log.h"

namespace exporter::http {

namespace {

constexpr rlim_t kOtherDescriptors = 256;
constexpr std::uint64_t kSlowestBytesPerSecond = 64 << 10;
constexpr std::chrono::milliseconds kTimeToSpeak{100};
constexpr std::chrono::seconds kTimeToEnd{5};  // for connections being closed to make room
constexpr int kBetweenRequests = 4;  // so that a scrape each minute can reuse its connection

/// How much the peer has acknowledged since the connection was opened.
std::uint64_t received_by_peer(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_acked : 0;
}

}  // namespace

Connections::Connections(std::size_t limit, std::chrono::milliseconds patience)
    : limit_(limit),
      patience_(patience),
      watcher_([this](const std::stop_token& stop) { watch(stop); }) {}

bool Connections::admit() {
  std::unique_lock lock(mutex_);
  const auto give_up = Clock::now() + kTimeToEnd;
  while (!draining_ && Clock::now() < give_up) {
    const bool too_many_ending = connections_.size() >= limit_ + kMaxEnding;
    if (!too_many_ending && connections_.size() - ending_ < limit_) return true;
    auto look_again = give_up;
    if (!too_many_ending) {
      const auto oldest = longest_idle();
      if (oldest == connections_.end()) return false;
      look_again = oldest->second.since + kTimeToSpeak;
      if (Clock::now() >= look_again) {
        end_unless_spoken(oldest->first, oldest->second);
        return true;
      }
    }
    changed_.wait_until(lock, std::min(look_again, give_up));
  }
  return false;
}

Connections::Table::iterator Connections::longest_idle() {
  auto longest = connections_.end();
  for (auto each = connections_.begin(); each != connections_.end(); ++each) {
    const auto& connection = each->second;
    if (connection.phase != Phase::idle || connection.ending) continue;
    // Not by `since`: threads set it in another order than clients receive their responses.
    if (longest == connections_.end() || connection.answered < longest->second.answered) {
      longest = each;
    }
  }
  return longest;
}

void Connections::open(int fd) {
  {
    const std::lock_guard lock(mutex_);
    connections_.emplace(fd, Connection{}).first->second.answered = Clock::now();
  }
  enter(fd, Phase::idle);
}

void Connections::enter(int fd, Phase phase) {
  const std::lock_guard lock(mutex_);
  auto& connection = connections_.at(fd);
  connection.phase = phase;
  connection.since = Clock::now();
  connection.until = phase == Phase::working ? Clock::time_point::max()
                                             : connection.since + patience_with(connection);
  if (phase == Phase::sending) {
    connection.answered = connection.since;
    connection.received = received_by_peer(fd);
    connection.served = true;
  }
  if (draining_ && phase == Phase::idle) end_unless_spoken(fd, connection);
  if (connection.until < next_check_) {
    next_check_ = connection.until;
    changed_.notify_all();
  }
}

std::chrono::milliseconds Connections::patience_with(const Connection& connection) const {
  const bool between_requests = connection.phase == Phase::idle && connection.served;
  return between_requests ? kBetweenRequests * patience_ : patience_;
}

void Connections::close(int fd) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(fd);
  const bool made_room = found->second.ending;
  if (made_room) --ending_;
  connections_.erase(found);
  if (made_room || connections_.empty()) changed_.notify_all();
}

void Connections::drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  changed_.notify_all();
  for (auto& [fd, connection] : connections_) {
    if (connection.phase == Phase::idle) end_unless_spoken(fd, connection);
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
    if (connection.until <= now && !extend(fd, connection, now)) end(fd, connection);
    next = std::min(next, connection.until);
  }
  return next;
}

bool Connections::extend(int fd, Connection& connection, Clock::time_point now) {
  if (connection.phase != Phase::sending) return false;
  const auto received = received_by_peer(fd);
  const auto expected =
      kSlowestBytesPerSecond * static_cast<std::uint64_t>(patience_.count()) / 1000;
  if (received - connection.received < expected) return false;
  connection.received = received;
  connection.until = now + patience_;
  return true;
}

void Connections::end(int fd, Connection& connection) {
  if (!connection.ending) ++ending_;
  connection.ending = true;
  connection.until = Clock::time_point::max();
  ::shutdown(fd, SHUT_RDWR);
}

void Connections::end_unless_spoken(int fd, Connection& connection) {
  if (!connection.ending) ++ending_;
  connection.ending = true;
  ::shutdown(fd, SHUT_RD);
}

std::size_t room_for_connections(std::size_t wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return wanted;
  const rlim_t others = Connections::kMaxEnding + kOtherDescriptors;
  if (limit.rlim_cur >= wanted + others) return wanted;
  limit.rlim_cur = std::min<rlim_t>(wanted + others, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto room = limit.rlim_cur - std::min(others, limit.rlim_cur / 2);
  if (room < wanted) {
    log::warn("the limit of open files allows fewer connections",
              {{"wanted", static_cast<std::int64_t>(wanted)},
               {"allowed", static_cast<std::int64_t>(room)}});
  }
  return std::min<std::size_t>(wanted, room);
}

}  // namespace exporter::http
