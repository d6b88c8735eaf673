#include "common/http/server.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <future>
#include <iostream>
#include <thread>

#include "common/base/error.h"
#include "common/http/connections.h"
#include "tests/common/raw_client.h"

using namespace exporter;
using namespace exporter::testing;
using namespace std::chrono_literals;
using http::Request;
using http::Response;
using http::Server;
using http::ServerOptions;

namespace {

ServerOptions on_loopback() {
  ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  return options;
}

Response text(std::string body, int status = 200) {
  Response response;
  response.status = status;
  response.body = Body(std::move(body));
  return response;
}

Response echo(const Request& request) {
  if (request.path == "/missing") return text("nothing here\n", 404);
  std::string seen = std::string(request.method) + " " + std::string(request.path) + "\n";
  seen += "client " + std::string(request.client) + "\n";
  seen += "x-test " + request.header("x-test") + "\n";
  for (const auto& value : request.query("collect[]")) seen += "collect " + value + "\n";
  return text(seen);
}

std::string get(const Server& server, const std::string& target) {
  return RawClient(server.port())
      .say("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      .read_to_end();
}

std::string error_of(const ServerOptions& options) {
  try {
    const Server server(options, echo);
  } catch (const Error& error) {
    CHECK(error.reason() == Reason::config);
    return error.what();
  }
  return "no error";
}

bool refuses_connects(std::uint16_t port) {
  try {
    const RawClient client(port);
    return false;
  } catch (const Error& error) {
    return std::string(error.what()) == "connect: Connection refused";
  }
}

}  // namespace

TEST_CASE("a response is sent whole, with its type, length and headers") {
  const Server server(on_loopback(), [](const Request&) {
    Response response;
    response.content_type = "text/test";
    response.headers.emplace_back("X-Made-By", "a test");
    response.body.add("one ", nullptr);
    response.body.add(std::make_shared<const std::string>("two "));
    response.body.add("three", nullptr);
    return response;
  });
  RawClient client(server.port());
  client.say("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head =
      "HTTP/1.1 200 OK\r\nX-Made-By: a test\r\nContent-Type: text/test\r\n"
      "Content-Length: 13\r\n\r\n";
  CHECK(without_date(client.read_response()) == head + "one two three");
  client.say("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(without_date(client.read_response("HEAD")) == head);
  client.say("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(without_date(client.read_response()) == head + "one two three");
}

TEST_CASE("a body of many large pieces arrives unchanged") {
  std::string expected;
  Body body;
  for (int i = 0; i < 3000; ++i) {
    auto piece = std::make_shared<const std::string>(1 + static_cast<std::size_t>(i) * 7 % 5000,
                                                     static_cast<char>('a' + i % 26));
    expected += *piece;
    body.add(std::move(piece));
  }
  const Server server(on_loopback(), [&](const Request&) {
    Response response;
    response.body = body;
    return response;
  });
  CHECK(body_of(get(server, "/")) == expected);
}

TEST_CASE("the owners of a body live until it was sent, and no longer") {
  auto owner = std::make_shared<const std::string>("shared");
  const std::weak_ptr<const std::string> watched = owner;
  {
    const Server server(on_loopback(), [&](const Request&) {
      Response response;
      response.body.add(std::exchange(owner, nullptr));
      return response;
    });
    CHECK(body_of(get(server, "/")) == "shared");
  }
  CHECK(watched.expired());
}

TEST_CASE("the handler sees the decoded request") {
  const Server server(on_loopback(), echo);
  CHECK(body_of(get(server, "/a%20b%2fc?collect[]=x%26y&other=1&collect%5B%5D=z+w&collect[]")) ==
        "GET /a b/c\nclient 127.0.0.1\nx-test \ncollect x&y\ncollect z w\ncollect \n");
  CHECK(body_of(RawClient(server.port())
                    .say("GET / HTTP/1.1\r\nHost: x\r\nX-Test: 1\r\nx-TEST: 2\r\n"
                         "Connection: close\r\n\r\n")
                    .read_to_end()) == "GET /\nclient 127.0.0.1\nx-test 1,2\n");
}

TEST_CASE("paths are exact") {
  const Server server(on_loopback(), echo);
  const auto path_of = [&](const std::string& target) {
    const auto body = body_of(get(server, target));
    return body.substr(4, body.find('\n') - 4);
  };
  CHECK(path_of("//metrics") == "//metrics");
  CHECK(path_of("/x/../metrics") == "/x/../metrics");
  CHECK(path_of("/metrics/") == "/metrics/");
  CHECK(path_of("/metrics%00") == "/metrics%00");
  CHECK(path_of("/metrics%0") == "/metrics%0");
  CHECK(path_of("/metrics%zz") == "/metrics%zz");
  CHECK(path_of("/%6detrics") == "/metrics");
  CHECK(path_of("http://host:1/metrics?x=y") == "/metrics");
  CHECK(path_of("http://host") == "/");
}

TEST_CASE("a missing page is the handler's to report") {
  const Server server(on_loopback(), echo);
  const auto response = get(server, "/missing");
  CHECK(status_of(response) == "404");
  CHECK(body_of(response) == "nothing here\n");
}

TEST_CASE("methods other than GET, HEAD and POST are refused") {
  const Server server(on_loopback(), echo);
  for (const auto* method : {"PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW", "get"}) {
    INFO(method);
    RawClient client(server.port());
    client.say(std::string(method) + " /x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(without_date(client.read_response()) ==
          "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST\r\n"
          "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n\r\n"
          "method not allowed\n");
    client.say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(client.read_response()) == "200");
  }
}

TEST_CASE("a request's body is dropped up to 64 KiB, and refused beyond") {
  const Server server(on_loopback(), echo);
  const auto post = [&](std::size_t size) {
    return status_of(RawClient(server.port())
                         .say("POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                              "Content-Length: " +
                              std::to_string(size) + "\r\n\r\n" + std::string(size, 'b'))
                         .read_to_end());
  };
  CHECK(post(0) == "200");
  CHECK(post(64 << 10) == "200");
  CHECK(post((64 << 10) + 1) == "413");
  CHECK(post(1 << 20) == "413");
  RawClient huge(server.port());
  huge.say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  CHECK(status_of(huge.read_to_end()) == "413");
}

TEST_CASE("a chunked body is dropped, too") {
  const Server server(on_loopback(), echo);
  const std::string head = "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  RawClient client(server.port());
  client.say(head + "5\r\nhello\r\n0\r\n\r\n");
  CHECK(status_of(client.read_response()) == "200");
  client.say(head + "11170\r\n" + std::string(0x11170, 'b') + "\r\n0\r\n\r\n");
  CHECK(status_of(client.read_response()) == "413");
}

TEST_CASE("a client that waits for 100 Continue gets it") {
  const Server server(on_loopback(), echo);
  RawClient client(server.port());
  client.say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.read_response() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.say("ab");
  CHECK(status_of(client.read_response()) == "200");
}

TEST_CASE("headers above the limit get 431") {
  const Server server(on_loopback(), echo);
  const auto with_header = [&](std::size_t size) {
    return status_of(RawClient(server.port())
                         .say("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Test: " +
                              std::string(size, 'h') + "\r\n\r\n")
                         .read_to_end());
  };
  CHECK(with_header(15 << 10) == "200");
  CHECK(with_header(16 << 10) == "431");
}

TEST_CASE("an exception becomes status 500 that says nothing about it") {
  const Server server(on_loopback(),
                      [](const Request&) -> Response { throw std::runtime_error("a secret"); });
  RawClient client(server.port());
  client.say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(without_date(client.read_response()) ==
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 22\r\n\r\ninternal server error\n");
}

TEST_CASE("pipelined requests are answered in order, also to a client that closed its side") {
  const Server server(on_loopback(), echo);
  const std::string requests =
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "GET /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  for (const bool half_closed : {false, true}) {
    RawClient client(server.port());
    client.say(requests);
    if (half_closed) client.half_close();
    const std::string tail = "\nclient 127.0.0.1\nx-test \n";
    CHECK(body_of(client.read_response()) == "GET /1" + tail);
    CHECK(status_of(client.read_response("HEAD")) == "200");
    CHECK(body_of(client.read_response()) == "POST /3" + tail);
    CHECK(body_of(client.read_response()) == "GET /4" + tail);
    CHECK(client.read_to_end() == "");
  }
}

TEST_CASE("a client that closed its side while the handler runs still gets the answer") {
  std::promise<void> closed;
  const Server server(on_loopback(), [&](const Request&) {
    closed.get_future().wait();
    return text("answer");
  });
  RawClient client(server.port());
  client.say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n").half_close();
  closed.set_value();
  CHECK(body_of(client.read_response()) == "answer");
  CHECK(client.read_to_end() == "");
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection") {
  const Server server(on_loopback(), [](const Request&) { return text("x"); });
  CHECK(without_date(RawClient(server.port()).say("GET / HTTP/1.0\r\n\r\n").read_to_end()) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 1\r\n\r\nx");
  CHECK(without_date(get(server, "/")) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 1\r\n\r\nx");
}

TEST_CASE("what is not HTTP never reaches the handler") {
  const Server server(on_loopback(), echo);
  for (const auto* nonsense : {"\x16\x03\x01\x02\r\n\r\n", "GET\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n",
                               "GET /x HTTP/9.9\r\nHost: x\r\n\r\n"}) {
    INFO(nonsense);
    const auto response = RawClient(server.port()).say(nonsense).half_close().read_to_end();
    CHECK(status_of(response) != "200");
  }
  CHECK(status_of(get(server, "/x")) == "200");
}

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

TEST_CASE("stop refuses new clients, ends idle ones and lets running requests finish") {
  std::promise<void> started, finish;
  Server server(on_loopback(), [&](const Request& request) {
    if (request.path == "/slow") {
      started.set_value();
      finish.get_future().wait();
    }
    return text("done");
  });
  RawClient idle(server.port()), fresh(server.port()), slow(server.port());
  idle.say("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(body_of(idle.read_response()) == "done");
  slow.say("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  started.get_future().wait();

  const auto port = server.port();
  auto stopped = std::async(std::launch::async, [&] { server.stop(20s); });
  CHECK(idle.ended_within(10s));
  CHECK(fresh.ended_within(10s));
  CHECK(refuses_connects(port));
  CHECK(stopped.wait_for(0s) == std::future_status::timeout);
  finish.set_value();
  CHECK(without_date(slow.read_to_end()) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 4\r\n\r\ndone");
  CHECK(stopped.wait_for(10s) == std::future_status::ready);
}

TEST_CASE("stop answers a request that had arrived before it") {
  Server server(on_loopback(), [](const Request&) { return text("done"); });
  RawClient client(server.port());
  for (int request = 0; request < 2; ++request) {
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    if (request == 1) server.stop(10s);
    CHECK(body_of(client.read_response()) == "done");
  }
}

TEST_CASE("stop cuts what outlasts the grace, and waits for no handler that hangs") {
  std::promise<void> started, finish, left;
  {
    Server server(on_loopback(), [&](const Request&) {
      started.set_value();
      finish.get_future().wait();
      left.set_value();
      return text("too late");
    });
    RawClient slow(server.port());
    slow.say("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    started.get_future().wait();
    const auto start = std::chrono::steady_clock::now();
    server.stop(100ms);
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took >= 100ms);
    CHECK(took < 2s);
    CHECK(slow.read_to_end() == "");
  }
  finish.set_value();
  left.get_future().wait();
}

TEST_CASE("stop cuts a client that does not read") {
  Server server(on_loopback(), [&](const Request&) { return text(std::string(64 << 20, 'b')); });
  RawClient stuck(server.port(), AF_INET, 4096);
  stuck.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string first(1, '\0');
  REQUIRE(::recv(stuck.fd(), first.data(), 1, 0) == 1);
  const auto start = std::chrono::steady_clock::now();
  server.stop(50ms);
  CHECK(std::chrono::steady_clock::now() - start < 2s);
  CHECK(stuck.read_to_end().size() < 64 << 20);
}

TEST_CASE("stop can be called twice, and from several threads") {
  Server server(on_loopback(), echo);
  std::jthread other([&] { server.stop(1s); });
  server.stop(1s);
  other.join();
  server.stop(1s);
  CHECK(server.addresses().size() == 1);
}

namespace {

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
