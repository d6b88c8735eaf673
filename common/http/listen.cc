#include "common/http/listen.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::http {

namespace {

constexpr int kFirstSystemdFd = 3;  // SD_LISTEN_FDS_START

struct HostPort {
  std::string host, port;
};

[[noreturn]] void refuse_address(const std::string& address, const std::string& why) {
  throw Error(Reason::config, "cannot listen on " + address + ": " + why +
                                  "; choose another with --web.listen-address");
}

std::string error_text(int errno_value) { return std::generic_category().message(errno_value); }

HostPort split(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) refuse_address(address, "expected HOST:PORT");
  HostPort result{address.substr(0, colon), address.substr(colon + 1)};
  auto& host = result.host;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string::npos) {
    refuse_address(address, "an IPv6 address needs brackets, as in [::1]:9100");
  }
  if (!parse_number<std::uint16_t>(result.port)) {
    refuse_address(address, "the port is not a number from 0 to 65535");
  }
  return result;
}

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

AddressList resolve(const std::string& address, const HostPort& where) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* host = where.host.empty() ? nullptr : where.host.c_str();
  const int result = ::getaddrinfo(host, where.port.c_str(), &hints, &found);
  if (result != 0) {
    refuse_address(address, result == EAI_SYSTEM ? error_text(errno) : ::gai_strerror(result));
  }
  return {found, &::freeaddrinfo};
}

const addrinfo& first_of(const AddressList& list, int family) {
  for (const auto* each = list.get(); each != nullptr; each = each->ai_next) {
    if (each->ai_family == family) return *each;
  }
  return *list;
}

void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

/// A bound and listening socket; nothing, with errno set, when the system refuses.
std::optional<Listener> bind_to(const addrinfo& where, bool dual_stack) {
  const int fd = ::socket(where.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return std::nullopt;
  std::optional<Listener> listener(std::in_place, fd, Listener::Origin::ours);
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (where.ai_family == AF_INET6) {
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, dual_stack ? 0 : 1);
  }
  if (::bind(fd, where.ai_addr, where.ai_addrlen) != 0 || ::listen(fd, SOMAXCONN) != 0) {
    const int bind_errno = errno;
    listener.reset();
    errno = bind_errno;
  }
  return listener;
}

sockaddr_storage name_of(int fd) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
  return name;
}

int integer_option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

bool is_tcp_listener(int fd) {
  const int family = integer_option(fd, SO_DOMAIN);
  return (family == AF_INET || family == AF_INET6) && integer_option(fd, SO_TYPE) == SOCK_STREAM &&
         integer_option(fd, SO_ACCEPTCONN) == 1;
}

std::optional<long> environment_number(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : parse_number<long>(value);
}

}  // namespace

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), origin_(other.origin_) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(origin_, other.origin_);
  return *this;
}

Listener::~Listener() {
  if (fd_ >= 0) ::close(fd_);
}

std::string Listener::address() const {
  const auto name = name_of(fd_);
  const auto port_text = std::to_string(port());
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (name.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + port_text;
  }
  return host_of(reinterpret_cast<const sockaddr*>(&name)) + ":" + port_text;
}

std::uint16_t Listener::port() const {
  const auto name = name_of(fd_);
  return ntohs(name.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(name).sin6_port
                                          : reinterpret_cast<const sockaddr_in&>(name).sin_port);
}

void Listener::refuse() const {
  if (origin_ == Origin::ours) ::shutdown(fd_, SHUT_RDWR);
}

Listener listen_on(const std::string& address) {
  const auto where = split(address);
  const auto found = resolve(address, where);
  const bool every_address = where.host.empty() || where.host == "::";
  const auto& preferred = first_of(found, every_address ? AF_INET6 : AF_INET);
  auto listener = bind_to(preferred, every_address);
  if (!listener && where.host.empty() && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
    listener = bind_to(first_of(found, AF_INET), false);
  }
  if (!listener) refuse_address(address, error_text(errno));
  return std::move(*listener);
}

void check_listen_address(const std::string& address) { split(address); }

std::string reachable(const std::string& address) {
  const auto colon = std::min(address.rfind(':'), address.size());
  const auto host = address.substr(0, colon), port = address.substr(colon);
  if (host.empty() || host == "0.0.0.0") return "127.0.0.1" + port;
  return (host == "[::]" ? "[::1]" : host) + port;
}

std::vector<Listener> listeners_of_systemd() {
  const auto count = environment_number("LISTEN_FDS").value_or(0);
  if (environment_number("LISTEN_PID") != ::getpid() || count < 1) {
    throw Error(Reason::config, "--web.systemd-socket: systemd passed no socket to this process");
  }
  std::vector<Listener> listeners;
  for (int fd = kFirstSystemdFd; fd < kFirstSystemdFd + count; ++fd) {
    if (!is_tcp_listener(fd)) {
      throw Error(Reason::config, "--web.systemd-socket: descriptor " + std::to_string(fd) +
                                      " is not a listening TCP socket");
    }
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    listeners.emplace_back(fd, Listener::Origin::systemd);
  }
  return listeners;
}

std::string host_of(const sockaddr* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address->sa_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(*address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address->sa_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(*address).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, &v6.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6, text.data(), text.size());
    }
  }
  return text.data();
}

}  // namespace exporter::http
