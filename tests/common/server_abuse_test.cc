#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "common/base/error.h"
#include "common/http/server.h"
#include "tests/common/raw_client.h"
#include "tests/common/server_fixture.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::testing;
using namespace std::chrono_literals;
using http::Request;
using http::Response;
using http::Server;
using http::ServerOptions;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // most memory is then the sanitizer's
#else
constexpr bool kSanitized = false;
#endif

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr const char* kGetAndClose = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

ServerOptions options_of(std::size_t max_connections, std::chrono::seconds idle_timeout = 30s) {
  auto options = on_loopback();
  options.max_connections = max_connections;
  options.idle_timeout = idle_timeout;
  return options;
}

Response done(const Request&) { return text("done"); }

/// The status of a page, or the error.
std::string status(const Server& server) {
  try {
    return status_of(RawClient(server.port()).say(kGetAndClose).read_to_end());
  } catch (const Error& error) {
    return error.what();
  }
}

/// The number at "name:" in /proc/self/status.
std::size_t process_status(const std::string& name) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1));
  }
  return 0;
}

bool all_others_sleep() {
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    if (thread.path().filename() == std::to_string(::gettid())) continue;
    std::string stat;
    std::getline(std::ifstream(thread.path() / "stat"), stat);
    if (stat.find(") S ") == stat.npos) return false;
  }
  return true;
}

/// Waits until the server has finished its work after a response: all other threads of the process
/// sleep, twice in a row.
void wait_until_quiet() {
  const auto give_up = std::chrono::steady_clock::now() + kHang;
  for (int quiet = 0; quiet < 2; quiet = all_others_sleep() ? quiet + 1 : 0) {
    REQUIRE(std::chrono::steady_clock::now() < give_up);
  }
}

/// Sends one byte after the other until the server ends the connection; false after 20 s.
bool drip_until_ended(RawClient& client, const std::string& start, char byte) {
  client.say(start);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  try {
    while (std::chrono::steady_clock::now() < deadline) {
      client.say(std::string(1, byte));
      if (client.ended_within(50ms)) return true;
    }
    return false;
  } catch (const Error&) {
    return true;
  }
}

}  // namespace

TEST_CASE("clients that are silent, or slow with their headers or body, are ended in time") {
  const Server server(options_of(512, 1s), done);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::string> openings{
      "", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"};
  std::vector<std::future<bool>> slow;
  for (const auto& opening : openings) {
    slow.push_back(std::async(std::launch::async, [&] {
      RawClient client(server.port());
      return drip_until_ended(client, opening, 'a');
    }));
  }
  RawClient silent(server.port());
  CHECK(status(server) == "200");
  for (auto& each : slow) CHECK(each.get());
  CHECK(silent.ended_within(10s));
  CHECK(std::chrono::steady_clock::now() - start >= 1s);
  CHECK(status(server) == "200");
}

TEST_CASE("a connection is kept between requests for four times as long") {
  const Server server(options_of(512, 1s), done);
  RawClient client(server.port());
  for (int request = 0; request < 2; ++request) {
    client.say(kGet);
    REQUIRE(status_of(client.read_response()) == "200");
    if (request == 0) CHECK_FALSE(client.ended_within(1500ms));
  }
  CHECK(client.ended_within(15s));
}

TEST_CASE("a handler may take longer than the idle time-out") {
  std::promise<void> finish;
  const Server server(options_of(512, 1s), [&](const Request&) {
    finish.get_future().wait_for(20s);
    return text("done");
  });
  RawClient client(server.port());
  client.say(kGet);
  CHECK_FALSE(client.ended_within(2500ms));
  finish.set_value();
  CHECK(status_of(client.read_response()) == "200");
}

TEST_CASE("a client that does not read is ended, one that reads steadily is not") {
  const std::string page(24 << 20, 'p');
  const Server server(options_of(512, 1s), [&](const Request&) { return text(page); });
  auto stuck = std::async(std::launch::async, [&] {
    RawClient client(server.port(), AF_INET, 4096);
    client.say(kGetAndClose);
    std::this_thread::sleep_for(4s);
    return client.read_to_end().size();
  });
  RawClient steady(server.port(), AF_INET, 64 << 10);
  steady.say(kGetAndClose);
  std::string all(64 << 10, '\0');
  std::size_t size = 0;
  const auto start = std::chrono::steady_clock::now();
  for (ssize_t got = 1; got > 0; size += static_cast<std::size_t>(got)) {
    got = ::recv(steady.fd(), all.data(), all.size(), 0);
    if (size > (20u << 20)) continue;
    std::this_thread::sleep_for(10ms);
  }
  CHECK(std::chrono::steady_clock::now() - start > 2s);
  CHECK(size > page.size());
  CHECK(stuck.get() < page.size());
}

TEST_CASE("a TLS handshake that does not proceed is ended") {
  const TemporaryDirectory directory;
  make_authority(directory.path(), "ca");
  make_certificate(directory.path(), "server", "DNS:localhost", "ca");
  auto options = options_of(512, 1s);
  options.web_config_file = (directory.path() / "web.yml").string();
  std::ofstream(options.web_config_file)
      << "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";
  const Server server(options, done);
  RawClient silent(server.port()), dripping(server.port());
  const std::string record_start("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03", 11);
  CHECK(drip_until_ended(dripping, record_start, 'r'));
  CHECK(silent.ended_within(10s));
}

TEST_CASE("beyond the limit the connection that idles longest goes, never one that is busy") {
  std::promise<void> started, finish;
  const Server server(options_of(3), [&](const Request& request) {
    if (request.path == "/slow") {
      started.set_value();
      finish.get_future().wait();
    }
    return text("done");
  });
  RawClient busy(server.port());
  busy.say("GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  started.get_future().wait();
  RawClient oldest(server.port()), newer(server.port());
  for (auto* client : {&newer, &oldest, &newer}) {
    client->say(kGet);
    CHECK(status_of(client->read_response()) == "200");
  }
  wait_until_quiet();
  RawClient newest(server.port());
  CHECK(oldest.ended_within(10s));
  for (auto* client : {&newest, &newer}) {
    client->say(kGet);
    CHECK(status_of(client->read_response()) == "200");
  }
  finish.set_value();
  CHECK(status_of(busy.read_to_end()) == "200");
}

TEST_CASE("when all connections are busy a new one is refused, and served again afterwards") {
  std::atomic<int> running = 0;
  std::promise<void> finish;
  const std::shared_future<void> finished = finish.get_future().share();
  const Server server(options_of(2), [&](const Request&) {
    ++running;
    finished.wait();
    return text("done");
  });
  RawClient first(server.port()), second(server.port());
  first.say(kGetAndClose);
  second.say(kGetAndClose);
  while (running < 2) std::this_thread::yield();
  RawClient third(server.port());
  CHECK(third.ended_within(10s));
  finish.set_value();
  CHECK(status_of(first.read_to_end()) == "200");
  CHECK(status_of(second.read_to_end()) == "200");
  std::string last;
  for (int attempt = 0; attempt < 1000 && last != "200"; ++attempt) last = status(server);
  CHECK(last == "200");
}

TEST_CASE(
    "10,000 attempts at idle connections leave the server serving others, in bounded memory") {
  const Server server(options_of(512),
                      [](const Request&) { return text(std::string(100000, 'p')); });
  REQUIRE(status(server) == "200");
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 12000);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  const auto held = std::min<std::size_t>(10000, limit.rlim_cur - 1500);
  const auto memory_before = process_status("VmRSS");

  std::atomic<bool> flooding = true;
  std::size_t most_threads = 0, most_memory = 0;
  auto flood = std::async(std::launch::async, [&] {
    std::vector<RawClient> idle;
    for (int attempt = 0; attempt < 10000; ++attempt) {
      if (idle.size() == held) idle.clear();
      idle.emplace_back(server.port());
      if (attempt % 3 == 0) idle.back().say("GET / HTTP/1.1\r\nHost: x\r\nX-Never: ");
    }
    flooding = false;
    return idle.size();
  });
  int served = 0;
  while (flooding) {
    // On a machine this busy, a client may be unable to send for 100 ms; then its connection may be
    // closed to make room.
    const auto give_up = std::chrono::steady_clock::now() + kHang;
    while (status(server) != "200") REQUIRE(std::chrono::steady_clock::now() < give_up);
    ++served;
    most_threads = std::max(most_threads, process_status("Threads"));
    most_memory = std::max(most_memory, process_status("VmRSS"));
  }
  CHECK(flood.get() > 0);
  CHECK(served > 0);
  CHECK(status(server) == "200");
  CHECK(most_threads < 512 + 64 + 16);
  CHECK((kSanitized || most_memory < memory_before + (80 << 10)));
}

TEST_CASE("headers of any size and number are answered or refused, and harm nobody") {
  Body pieces;
  for (int i = 0; i < 500; ++i) pieces.add(std::make_shared<const std::string>(500, 'p'));
  const Server server(options_of(512), [&](const Request&) {
    Response response;
    response.body = pieces;
    return response;
  });
  const auto answer = [&](const std::string& request) {
    RawClient client(server.port());
    try {
      client.say(request).half_close();
      return status_of(client.read_to_end());
    } catch (const Error&) {
      return std::string("cut");
    }
  };
  const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
  std::size_t served = 0;
  for (std::size_t size = 1; size < 40000; size += 97) {
    const auto one_long = answer(start + "X: " + std::string(size, 'h') + "\r\n\r\n");
    served += one_long == "200" ? 1 : 0;
    REQUIRE((one_long == "200" || one_long == "431" || one_long == "cut" || one_long == ""));
    std::string many = start;
    while (many.size() < size) many += "a:\r\n";
    const auto tail = std::string(40000 - size, 'x');
    const auto many_short = answer(many + "\r\n" + tail);
    REQUIRE((many_short == "200" || many_short == "431" || many_short == "500" ||
             many_short == "cut" || many_short == ""));
  }
  CHECK(served > 100);
  CHECK(answer(start + "X: " + std::string(4 << 20, 'h') + "\r\n\r\n") != "200");
  CHECK(answer("GET /" + std::string(1 << 20, 'u') + " HTTP/1.1\r\n\r\n") != "200");
  CHECK(status(server) == "200");
}

TEST_CASE("a body in chunks without an end is cut") {
  const Server server(options_of(512), done);
  RawClient client(server.port());
  client.say("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "4000\r\n" + std::string(0x4000, 'c') + "\r\n";
  std::size_t chunks = 0;
  try {
    for (; chunks < 10000; ++chunks) client.say(chunk);
  } catch (const Error&) {
  }
  CHECK(chunks < 10000);
  CHECK(status(server) == "200");
}

TEST_CASE("ten thousand pipelined requests to a client that does not read harm nobody") {
  const Server server(options_of(512, 1s),
                      [](const Request&) { return text(std::string(9000, 'p')); });
  RawClient client(server.port(), AF_INET, 4096);
  std::string requests;
  for (int i = 0; i < 10000; ++i) requests += kGet;
  auto flood = std::async(std::launch::async, [&] {
    try {
      client.say(requests);
    } catch (const Error&) {
    }
  });
  CHECK(status(server) == "200");
  flood.wait();
  CHECK(client.ended_within(kHang));
  CHECK(status(server) == "200");
}

TEST_CASE("clients that go away in the middle of a page harm nobody") {
  const Server server(options_of(512),
                      [](const Request&) { return text(std::string(4 << 20, 'p')); });
  for (int i = 0; i < 100; ++i) {
    RawClient client(server.port(), AF_INET, 4096);
    client.say(kGet);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    if (i % 2 == 0) ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    std::string first(1, '\0');
    if (i % 3 != 0) CHECK(::recv(client.fd(), first.data(), 1, 0) == 1);
  }
  CHECK(status(server) == "200");
}
