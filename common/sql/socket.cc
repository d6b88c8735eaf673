#include "common/sql/socket.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace exporter::sql {
namespace {

thread_local Socket* noting = nullptr;

bool is_stream(int number) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(number, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/// Prevents a NAT from dropping a kept connection, and makes one that was dropped, or whose host is
/// gone, fail soon and not at a query's deadline. A driver may override these times.
void keep_alive(int number) noexcept {
  constexpr int kOn = 1, kIdle = 30, kInterval = 10;  // seconds
  constexpr unsigned kUnacknowledged = 10'000;        // milliseconds
  ::setsockopt(number, SOL_SOCKET, SO_KEEPALIVE, &kOn, sizeof kOn);
  ::setsockopt(number, IPPROTO_TCP, TCP_KEEPIDLE, &kIdle, sizeof kIdle);
  ::setsockopt(number, IPPROTO_TCP, TCP_KEEPINTVL, &kInterval, sizeof kInterval);
  ::setsockopt(number, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledged, sizeof kUnacknowledged);
}

}  // namespace

Socket::~Socket() {
  if (number_ >= 0) ::close(number_);
}

bool Socket::is_known() const {
  const std::lock_guard lock(mutex_);
  return number_ >= 0;
}

void Socket::shut_down() {
  const std::lock_guard lock(mutex_);
  is_shut_down_ = true;
  if (number_ >= 0) ::shutdown(number_, SHUT_RDWR);
}

void Socket::note(int number) noexcept {
  if (!is_stream(number)) return;
  keep_alive(number);
  const std::lock_guard lock(mutex_);
  if (number_ >= 0) ::close(number_);
  number_ = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
  if (is_shut_down_ && number_ >= 0) ::shutdown(number_, SHUT_RDWR);
}

NoteSocket::NoteSocket(Socket& socket) : outer_(std::exchange(noting, &socket)) {}

NoteSocket::~NoteSocket() { noting = outer_; }

}  // namespace exporter::sql

/// Takes precedence over the C library's in the whole process, including drivers.
extern "C" __attribute__((visibility("default"))) int connect(int number, const sockaddr* address,
                                                              socklen_t size) {
  using Connect = int (*)(int, const sockaddr*, socklen_t);
  static const auto real = reinterpret_cast<Connect>(::dlsym(RTLD_NEXT, "connect"));
  if (exporter::sql::noting != nullptr) exporter::sql::noting->note(number);
  return real(number, address, size);
}
