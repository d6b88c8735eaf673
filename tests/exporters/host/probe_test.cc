#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "tests/exporters/host/probed.h"
#include "tests/support/full_server.h"
#include "tests/support/slow_names.h"

using namespace exporter;
using namespace probed;

namespace {

/// How far beyond its deadline a run may end on a machine that is busy with other tests.
constexpr auto kLate = 2s;

/// A listener on ::1 that never accepts.
class Listener6 {
 public:
  Listener6() : socket_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_, 1) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    authority_ = "[::1]:" + std::to_string(ntohs(address.sin6_port));
  }
  ~Listener6() { ::close(socket_); }
  Listener6(const Listener6&) = delete;
  Listener6& operator=(const Listener6&) = delete;

  const std::string& authority() const { return authority_; }

 private:
  int socket_;
  std::string authority_;
};

/// Reads requests and never answers.
void silence(Peer& peer) { peer.wait_closed(); }

}  // namespace

TEST_CASE("a page is up when it answers with a status of success, and all is told of it") {
  const ScriptedServer server(hello());
  const auto target = server.url() + "/health";
  const auto samples = run({target + "?token=hunter2"});
  CHECK(told(samples, target) == "ok connect first_byte name_lookup 200");
  Texts names;
  for (const auto& [name, value] : samples.values) names.push_back(name);
  CHECK(names == Texts{series("probe_duration_seconds", target),
                       series("probe_failure_reason", target, ",reason=\"connect\""),
                       series("probe_failure_reason", target, ",reason=\"dns\""),
                       series("probe_failure_reason", target, ",reason=\"reply\""),
                       series("probe_failure_reason", target, ",reason=\"status\""),
                       series("probe_failure_reason", target, ",reason=\"timeout\""),
                       series("probe_failure_reason", target, ",reason=\"tls\""),
                       series("probe_http_status_code", target),
                       series("probe_phase_duration_seconds", target, ",phase=\"connect\""),
                       series("probe_phase_duration_seconds", target, ",phase=\"first_byte\""),
                       series("probe_phase_duration_seconds", target, ",phase=\"name_lookup\""),
                       series("probe_success", target)});
  REQUIRE(server.requests().size() == 1);
  CHECK(server.requests()[0].starts_with("GET /health?token=hunter2 HTTP/1.1\r\n"));
}

TEST_CASE("the time of a probe is told by phase") {
  constexpr auto kSlow = 150ms;
  const ScriptedServer slow_page([&](Peer& peer) {
    peer.read_request();
    std::this_thread::sleep_for(kSlow);
    peer.write(reply(200, "hello"));
  });
  const ScriptedServer page(hello(), tls("server"));
  const auto samples = run({slow_page.url(), page.url()});
  const auto phase = [&](const std::string& target, const std::string& name) {
    return samples.at(series("probe_phase_duration_seconds", target, ",phase=\"" + name + "\""));
  };
  CHECK(phase(slow_page.url(), "first_byte") >= 0.15);
  for (const std::string name : {"name_lookup", "connect", "tls", "first_byte"}) {
    CHECK(phase(page.url(), name) > 0);
  }
}

TEST_CASE("each probe makes a new connection and closes it") {
  const ScriptedServer server(hello());
  const auto port = std::to_string(server.port());
  const auto collect = make_probe(
      {{"collector.probe.target", {"tcp://127.0.0.1:" + port, "http://127.0.0.1:" + port}}});
  run(collect);
  run(collect);
  CHECK(server.connections() == 4);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("nothing is sent to a tcp target, and its connection is closed when the run ends") {
  std::promise<std::string> received;
  const ScriptedServer server([&](Peer& peer) { received.set_value(peer.read_request()); });
  const auto target = "tcp://127.0.0.1:" + std::to_string(server.port());
  CHECK(told(target) == "ok connect name_lookup");
  auto ended = received.get_future();
  REQUIRE(ended.wait_for(20s) == std::future_status::ready);
  CHECK(ended.get().empty());
}

TEST_CASE("a tcp target may have an IPv6 address") {
  const Listener6 listener;
  CHECK(told("tcp://" + listener.authority()) == "ok connect name_lookup");
  CHECK(told(run({"http://" + listener.authority()}, "200ms"), "http://" + listener.authority()) ==
        "timeout connect name_lookup");
}

TEST_CASE("a failure has its reason") {
  const auto closed = "127.0.0.1:" + std::to_string(closed_port());
  CHECK(told("tcp://" + closed) == "connect name_lookup");
  CHECK(told("https://" + closed) == "connect name_lookup");
  CHECK(told("http://no-such-host.invalid") == "dns");
  const ScriptedServer hangs_up([](Peer& peer) { peer.read_request(); });
  CHECK(told(hangs_up.url()) == "reply connect name_lookup");
  const ScriptedServer mumbles([](Peer& peer) {
    peer.read_request();
    peer.write("SSH-2.0-mumble\r\n");
  });
  CHECK_THAT(told(mumbles.url()), Catch::StartsWith("reply connect "));
  const ScriptedServer stops([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive.");
  });
  CHECK(told(stops.url()) == "reply connect first_byte name_lookup 200");
  const ScriptedServer no_tls([](Peer& peer) { peer.write("no TLS here\r\n"); });
  CHECK(told("https://127.0.0.1:" + std::to_string(no_tls.port())) == "tls connect name_lookup");
}

TEST_CASE("a status other than success is a failure, and a redirect is not followed") {
  const ScriptedServer server(answer([](const std::string& request) {
    const auto status = std::stoi(request.substr(request.find('/') + 1, 3));
    return reply(status, "", "Location: /200\r\n");
  }));
  for (const std::string status : {"200", "204", "206"}) {
    CHECK(told(server.url() + '/' + status) == "ok connect first_byte name_lookup " + status);
  }
  for (const std::string status : {"301", "304", "401", "404", "500", "503"}) {
    CHECK(told(server.url() + '/' + status) == "status connect first_byte name_lookup " + status);
  }
  CHECK(server.requests().size() == 9);
}

TEST_CASE("no more of a reply is read than tells that it comes") {
  const ScriptedServer large([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    while (peer.write(std::string(100'000, 'x'))) {
    }
  });
  CHECK(told(large.url()) == "ok connect first_byte name_lookup 200");
  const ScriptedServer endless([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\n");
    while (peer.write("X: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  CHECK(told(endless.url()) == "reply connect first_byte name_lookup 200");
}

TEST_CASE("targets that hang cost their own timeout alone, whatever they hang in") {
  const SlowNames slow_names;
  const FullServer full;
  const ScriptedServer silent(silence);
  const ScriptedServer good(hello());
  const auto silent_port = std::to_string(silent.port());
  Texts targets = {"http://slow.test/", full.url(), "https://127.0.0.1:" + silent_port,
                   silent.url()};
  for (int i = 0; i < 20; ++i) targets.push_back(silent.url() + '/' + std::to_string(i));
  targets.push_back(good.url());
  const auto samples = run(targets, "700ms");
  CHECK(samples.took >= 700ms);
  CHECK(samples.took < 700ms + kLate);
  CHECK(told(samples, "http://slow.test/") == "timeout");
  CHECK(told(samples, full.url()) == "timeout name_lookup");
  CHECK(told(samples, targets[2]) == "timeout connect name_lookup");
  CHECK(told(samples, silent.url()) == "timeout connect name_lookup");
  CHECK(told(samples, silent.url() + "/19") == "timeout connect name_lookup");
  CHECK(told(samples, good.url()) == "ok connect first_byte name_lookup 200");
  CHECK(samples.at(series("probe_duration_seconds", good.url())) < 0.7);
  CHECK(samples.at(series("probe_duration_seconds", silent.url())) >= 0.7);
}

TEST_CASE("the run's deadline and a stop end the probes too") {
  const ScriptedServer silent(silence);
  const auto collect = make_probe({{"collector.probe.target", {silent.url()}}});
  const auto late = run(collect, Deadline::in(100ms));
  CHECK(late.took < 100ms + kLate);
  CHECK(told(late, silent.url()) == "timeout connect name_lookup");

  std::stop_source source;
  const std::jthread stopper([&] {
    while (silent.connections() < 2) std::this_thread::yield();
    source.request_stop();
  });
  const auto begin = Clock::now();
  Samples samples;
  CHECK_THROWS_WITH(collect(samples, Deadline::in(60s, source.get_token())), "cancelled");
  CHECK(Clock::now() - begin < kLate);
}
