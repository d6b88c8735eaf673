#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace exporter::http {

/// A listening TCP socket, closed with the object.
class Listener {
 public:
  enum class Origin { ours, systemd };

  Listener(int fd, Origin origin) : fd_(fd), origin_(origin) {}
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener();

  int fd() const { return fd_; }
  /// Leaves the descriptor to someone else.
  void release() { fd_ = -1; }
  /// Where it listens, e.g. "127.0.0.1:9100", "[::1]:9100".
  std::string address() const;
  std::uint16_t port() const;

  /// From now on connects are refused; a socket of systemd's keeps queueing them for the next
  /// start.
  void refuse() const;

 private:
  int fd_;
  Origin origin_;
};

/// Binds one address: ":9100" and "[::]:9100" for IPv6 and IPv4 alike (as Go does),
/// "127.0.0.1:9100", "[::1]:9100" or "name:9100", whose first IPv4 address is taken, or else its
/// first. Throws Error{config} that names the address.
Listener listen_on(const std::string& address);

/// Throws as listen_on() does for an address that is not written as one.
void check_listen_address(const std::string& address);

/// Where to connect, on this machine, to one that listens on an address of that form:
/// "127.0.0.1:9100" for ":9100".
std::string reachable(const std::string& address);

/// The sockets that systemd passed (sd_listen_fds(3)). Throws Error{config} when there is none, or
/// one that is not a listening TCP socket.
std::vector<Listener> listeners_of_systemd();

/// The address without port, an IPv4 one that was mapped into IPv6 as IPv4.
std::string host_of(const sockaddr* address);

}  // namespace exporter::http
