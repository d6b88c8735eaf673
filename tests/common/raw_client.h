#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/error.h"

namespace exporter::testing {

/// The limit of each wait. It is long, because the machine may be slow and busy.
constexpr std::chrono::seconds kHang{300};

/// A plain TCP client that sends exactly what it is given, for what a real client would not send.
/// No wait is longer than kHang.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int family = AF_INET, int receive_buffer = 0)
      : fd_(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = kHang.count(), .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (receive_buffer > 0) {
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    v6.sin6_addr = in6addr_loopback;
    const auto* address = family == AF_INET ? reinterpret_cast<const sockaddr*>(&v4)
                                            : reinterpret_cast<const sockaddr*>(&v6);
    const socklen_t size = family == AF_INET ? sizeof v4 : sizeof v6;
    if (const int error = connect_to(address, size); error != 0) {
      ::close(fd_);
      throw io_error("connect", error);
    }
  }
  RawClient(RawClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }

  RawClient& say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) throw io_error("send", errno);
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return *this;
  }

  RawClient& half_close() {
    ::shutdown(fd_, SHUT_WR);
    return *this;
  }

  /// Everything up to the end of the connection, or a reset.
  std::string read_to_end() {
    std::string all;
    while (read_some(all)) {
    }
    return all;
  }

  /// One response with a Content-Length, header and body; `method` says whether a body follows.
  std::string read_response(std::string_view method = "GET") {
    while (buffer_.find("\r\n\r\n") == std::string::npos) {
      if (!read_some(buffer_)) return std::exchange(buffer_, {});
    }
    std::size_t size = buffer_.find("\r\n\r\n") + 4;
    const auto length = buffer_.find("Content-Length: ");
    if (method != "HEAD" && length < size) size += std::stoul(buffer_.substr(length + 16));
    while (buffer_.size() < size && read_some(buffer_)) {
    }
    const auto response = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return response;
  }

  /// Whether the server closes the connection within that time, whatever it sends before.
  bool ended_within(std::chrono::milliseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    std::string ignored;
    while (true) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd poll_for{.fd = fd_, .events = POLLIN, .revents = 0};
      if (left.count() <= 0 || ::poll(&poll_for, 1, static_cast<int>(left.count())) != 1) {
        return false;
      }
      if (!read_some(ignored)) return true;
    }
  }

  int fd() const { return fd_; }

 private:
  /// 0, or an errno value. A signal (libFuzzer's timer) does not interrupt connecting.
  int connect_to(const sockaddr* address, socklen_t size) const {
    if (::connect(fd_, address, size) == 0) return 0;
    if (errno != EINTR) return errno;
    pollfd made{.fd = fd_, .events = POLLOUT, .revents = 0};
    while (::poll(&made, 1, kHang / std::chrono::milliseconds(1)) < 0 && errno == EINTR) {
    }
    int error = ETIMEDOUT;
    socklen_t error_size = sizeof error;
    if (made.revents != 0) ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &error_size);
    return error;
  }

  /// False at the end of the connection.
  bool read_some(std::string& to) {
    std::array<char, 65536> bytes;
    const auto got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) return read_some(to);
    if (got < 0 && errno == ECONNRESET) return false;
    if (got < 0) throw io_error("recv", errno);
    to.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
  }

  int fd_;
  std::string buffer_;
};

/// The response without its Date header, which changes.
inline std::string without_date(std::string response) {
  const auto start = response.find("Date: ");
  if (start != std::string::npos) response.erase(start, response.find("\r\n", start) + 2 - start);
  return response;
}

inline std::string body_of(const std::string& response) {
  const auto end = response.find("\r\n\r\n");
  return end == std::string::npos ? "" : response.substr(end + 4);
}

/// E.g. "200", or empty without a response.
inline std::string status_of(const std::string& response) {
  return response.size() < 12 ? "" : response.substr(9, 3);
}

}  // namespace exporter::testing
