#include <sys/resource.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <iostream>

#include "common/base/error.h"
#include "common/http/connections.h"
#include "common/http/server.h"
#include "tests/common/raw_client.h"
#include "tests/common/server_fixture.h"

using namespace exporter;
using namespace exporter::testing;
using namespace std::chrono_literals;
using http::Server;
using http::ServerOptions;

namespace {

std::string error_of(const ServerOptions& options) {
  try {
    const Server server(options, echo);
  } catch (const Error& error) {
    CHECK(error.reason() == Reason::config);
    return error.what();
  }
  return "no error";
}

/// Runs `child` in a process of its own, with `passed` as descriptor 3; returns its exit status.
template <class Child>
int in_child_with_socket(int passed, Child child) {
  std::fflush(nullptr);
  std::cout.flush();
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (passed >= 0) ::dup2(passed, 3);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", passed >= 0 ? "1" : "0", 1);
    ::_exit(child());
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

ServerOptions of_systemd() {
  ServerOptions options;
  options.systemd_socket = true;
  return options;
}

int listening_socket(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(fd, 8) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

TEST_CASE("it listens on several addresses, of IPv4, IPv6 and both") {
  auto options = on_loopback();
  options.listen = {"127.0.0.1:0", "[::1]:0", ":0", "localhost:0", "[::]:0"};
  const Server server(options, echo);
  const auto addresses = server.addresses();
  REQUIRE(addresses.size() == 5);
  const auto port_of = [&](std::size_t i) {
    return static_cast<std::uint16_t>(std::stoi(addresses[i].substr(addresses[i].rfind(':') + 1)));
  };
  CHECK(addresses[0] == "127.0.0.1:" + std::to_string(server.port()));
  CHECK(addresses[1] == "[::1]:" + std::to_string(port_of(1)));
  CHECK(addresses[2] == "[::]:" + std::to_string(port_of(2)));
  CHECK(addresses[3] == "127.0.0.1:" + std::to_string(port_of(3)));
  const auto client_seen = [&](std::size_t i, int family) {
    return body_of(RawClient(port_of(i), family)
                       .say("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                       .read_to_end());
  };
  CHECK(client_seen(0, AF_INET) == "GET /\nclient 127.0.0.1\nx-test \n");
  CHECK(client_seen(1, AF_INET6) == "GET /\nclient ::1\nx-test \n");
  for (const std::size_t both : {2, 4}) {
    CHECK(client_seen(both, AF_INET) == "GET /\nclient 127.0.0.1\nx-test \n");
    CHECK(client_seen(both, AF_INET6) == "GET /\nclient ::1\nx-test \n");
  }
}

TEST_CASE("an explicit IPv6 address leaves the port to IPv4") {
  auto options = on_loopback();
  options.listen = {"[::1]:0"};
  const Server first(options, echo);
  options.listen = {"127.0.0.1:" + std::to_string(first.port())};
  const Server second(options, echo);
  CHECK(second.port() == first.port());
}

TEST_CASE("an address that cannot be used is named, with the flag that moves it") {
  const Server server(on_loopback(), echo);
  const auto refused = [](const std::string& address, const std::string& why) {
    INFO(address);
    auto options = on_loopback();
    options.listen = {address};
    CHECK(error_of(options) == "cannot listen on " + address + ": " + why +
                                   "; choose another with --web.listen-address");
  };
  refused("127.0.0.1:" + std::to_string(server.port()), "Address already in use");
  refused("127.0.0.1", "expected HOST:PORT");
  refused("9100", "expected HOST:PORT");
  refused("127.0.0.1:", "the port is not a number from 0 to 65535");
  refused("127.0.0.1:65536", "the port is not a number from 0 to 65535");
  refused("127.0.0.1:http", "the port is not a number from 0 to 65535");
  refused("::1:9100", "an IPv6 address needs brackets, as in [::1]:9100");
  refused("192.0.2.1:0", "Cannot assign requested address");
  CHECK(error_of({}) == "no --web.listen-address was given");
}

TEST_CASE("a restart takes its port again at once") {
  auto options = on_loopback();
  auto first = std::make_unique<Server>(options, echo);
  CHECK(status_of(get(*first, "/x")) == "200");
  RawClient lingering(first->port());
  options.listen = first->addresses();
  first.reset();
  const Server second(options, echo);
  CHECK(status_of(get(second, "/x")) == "200");
}

TEST_CASE("a socket of systemd's is served, and left open for the next start") {
  std::uint16_t port = 0;
  const int fd = listening_socket(port);
  for (int start = 0; start < 2; ++start) {
    const int status = in_child_with_socket(fd, [&] {
      Server server(of_systemd(), echo);
      const bool answered = status_of(get(server, "/x")) == "200";
      server.stop(1s);
      return answered && server.port() == port ? 0 : 1;
    });
    CHECK(status == 0);
    CHECK_FALSE(refuses_connects(port));
  }
  ::close(fd);
}

TEST_CASE("socket activation without a fitting socket is refused") {
  const auto refused = [](int fd, const std::string& expected) {
    return in_child_with_socket(fd, [&] { return error_of(of_systemd()) == expected ? 0 : 1; });
  };
  CHECK(refused(-1, "--web.systemd-socket: systemd passed no socket to this process") == 0);
  const std::string not_tcp = "--web.systemd-socket: descriptor 3 is not a listening TCP socket";
  const int datagram = ::socket(AF_INET, SOCK_DGRAM, 0);
  CHECK(refused(datagram, not_tcp) == 0);
  ::close(datagram);
  const int connected = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK(refused(connected, not_tcp) == 0);
  ::close(connected);
  CHECK(error_of(of_systemd()) == "--web.systemd-socket: systemd passed no socket to this process");
}

TEST_CASE("the limit of open files is raised as far as needed and allowed") {
  struct Limits {
    rlim_t soft, hard;
  };
  const auto room_under = [](Limits limits, std::size_t expected_room, rlim_t expected_soft) {
    return in_child_with_socket(-1, [&] {
      rlimit limit{.rlim_cur = limits.soft, .rlim_max = limits.hard};
      ::setrlimit(RLIMIT_NOFILE, &limit);
      const auto room = http::room_for_connections(512);
      ::getrlimit(RLIMIT_NOFILE, &limit);
      return room == expected_room && limit.rlim_cur == expected_soft ? 0 : 1;
    });
  };
  CHECK(room_under({100, 4096}, 512, 832) == 0);
  CHECK(room_under({1024, 4096}, 512, 1024) == 0);
  CHECK(room_under({100, 700}, 380, 700) == 0);
  CHECK(room_under({100, 200}, 100, 200) == 0);
}
