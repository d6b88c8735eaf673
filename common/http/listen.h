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
  /// Gives up ownership of the descriptor.
  void release() { fd_ = -1; }
  /// Where it listens, e.g. "127.0.0.1:9100", "[::1]:9100".
  std::string address() const;
  std::uint16_t port() const;

  /// Refuses connections from now on; a socket passed by systemd keeps queueing them for the next
  /// start.
  void refuse() const;

 private:
  int fd_;
  Origin origin_;
};

/// Binds one address: ":9100" and "[::]:9100" for both IPv6 and IPv4 (as in Go), "127.0.0.1:9100",
/// "[::1]:9100" or "name:9100", which uses the name's first IPv4 address, or its first address if
/// it has none. Throws Error{config} naming the address.
Listener listen_on(const std::string& address);

/// Throws as listen_on() does if the address is malformed.
void check_listen_address(const std::string& address);

/// The address to connect to, on this machine, for a listen address: "127.0.0.1:9100" for ":9100".
std::string reachable(const std::string& address);

/// The sockets that systemd passed (sd_listen_fds(3)). Throws Error{config} if there is none, or if
/// one is not a listening TCP socket.
std::vector<Listener> listeners_of_systemd();

/// The address without its port; an IPv4-mapped IPv6 address as IPv4.
std::string host_of(const sockaddr* address);

}  // namespace exporter::http
