#pragma once

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>

/// The output of `say` in a process with its own network; nothing if that is forbidden.
template <class Say>
std::optional<std::string> in_own_network(const Say& say) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int spaces = ::geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
    const bool there = ::unshare(spaces) == 0;
    bool written = false;
    try {
      const auto said = there ? say() : std::string();
      written = ::write(ends[1], said.data(), said.size()) == std::ssize(said);
    } catch (...) {  // a check failed; the parent process reports it
    }
    ::_exit(!there ? 2 : written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t size; (size = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    said.append(buffer, static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) return std::nullopt;
  REQUIRE(WEXITSTATUS(status) == 0);
  return said;
}

/// Sends three datagrams to itself over the loopback device of this process's network.
inline void use_loopback() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::copy_n("lo", 3, request.ifr_name);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  ::ioctl(socket, SIOCSIFFLAGS, &request);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = ::htons(9);
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  for (int i = 0; i < 3; ++i) {
    const int other = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ::sendto(other, "text", 4, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::close(other);
  }
  ::close(socket);
}
