#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <future>
#include <map>
#include <thread>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/http/tls.h"
#include "exporters/host/collectors.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/support/certificates.h"
#include "tests/support/full_server.h"
#include "tests/support/golden.h"
#include "tests/support/scripted_server.h"
#include "tests/support/slow_names.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;
using Given = std::map<std::string, Texts>;

/// How far beyond its deadline a run may end on a machine that is busy with other tests.
constexpr auto kLate = 2s;
constexpr double kDay = 86400;

/// Certificates of servers, made once.
class Folder {
 public:
  Folder() {
    const auto& path = folder_.path();
    make_authority(path, "ca");
    make_authority(path, "other_ca");
    make_certificate(path, "server", "IP:127.0.0.1", "ca");
    make_certificate(path, "elsewhere", "DNS:elsewhere.test", "ca");
    make_expired_certificate(path, "expired", "IP:127.0.0.1", "ca");
    std::ofstream(path / "chain.pem")
        << read_file(path / "server.pem") << read_file(path / "expired.pem");
    std::ofstream(path / "empty.pem") << "not a certificate\n";
  }
  std::filesystem::path file(const std::string& name) const { return folder_.path() / name; }

 private:
  TemporaryFolder folder_;
};

std::filesystem::path file(const std::string& name) {
  static const Folder folder;
  return folder.file(name);
}

ScriptedServer::Tls tls(const std::string& name) {
  return {file(name + ".pem"), file(name + ".key"), {}, "NORMAL"};
}

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

CollectFunction make_probe(const Given& given) {
  const Settings settings(kProbe.flags, given, nullptr);
  return collect_of(kProbe, {settings, "/proc", "/sys", "/", "/run/udev/data", upstreams()});
}

/// The samples of a run by series, and how long it took.
struct Run {
  std::map<std::string, double> values;
  Clock::duration took{};

  double at(const std::string& series) const {
    INFO(series);
    REQUIRE(values.contains(series));
    return values.at(series);
  }
};

Run run(const CollectFunction& collect, const Deadline& deadline = Deadline::in(60s)) {
  Samples samples;
  Run run;
  const auto begin = Clock::now();
  collect(samples, deadline);
  run.took = Clock::now() - begin;
  CHECK(samples.duplicates() == 0);
  std::string page;
  samples.render(Format::text, page);
  for (std::string_view rest = page; !rest.empty();) {
    const auto line = next_part(rest, '\n');
    if (line.starts_with('#')) continue;
    const auto blank = line.rfind(' ');
    run.values[std::string(line.substr(0, blank))] =
        parse_number<double>(line.substr(blank + 1)).value();
  }
  return run;
}

Run run(const Texts& targets, const std::string& timeout = "9s",
        const std::string& ca_file = "ca.pem") {
  return run(make_probe({{"collector.probe.target", targets},
                         {"collector.probe.target-timeout", {timeout}},
                         {"collector.probe.ca-file", {file(ca_file)}}}));
}

std::string series(const std::string& name, const std::string& target,
                   const std::string& more = {}) {
  return name + "{target=\"" + target + "\"" + more + "}";
}

/// What the page says of a target whose run is over, times and expiry apart: "ok", or the reason;
/// the phases; the status.
std::string told(const Run& run, const std::string& target) {
  std::string text = run.at(series("probe_success", target)) == 1 ? "ok" : "";
  double phases = 0;
  for (const auto& [name, value] : run.values) {
    const auto label = [&](const std::string& family, const std::string& more) {
      const auto front = family + "{target=\"" + target + "\"," + more + "=\"";
      return name.starts_with(front) ? name.substr(front.size(), name.size() - front.size() - 2)
                                     : std::string();
    };
    if (value == 1) text += label("probe_failure_reason", "reason");
    if (const auto phase = label("probe_phase_duration_seconds", "phase"); !phase.empty()) {
      text += " " + phase;
      CHECK(value >= 0);
      phases += value;
    }
  }
  CHECK(phases <= run.at(series("probe_duration_seconds", target)));
  if (const auto status = run.values.find(series("probe_http_status_code", target));
      status != run.values.end()) {
    text += " " + std::to_string(static_cast<int>(status->second));
  }
  return text;
}

std::string told(const std::string& target) { return told(run({target}), target); }

/// In how many days the page says that a certificate of the target's expires; 0 when it does not.
double days_left(const Run& run, const std::string& target) {
  const auto expiry = run.values.find(series("probe_ssl_earliest_cert_expiry", target));
  return expiry == run.values.end() ? 0 : (expiry->second - unix_now()) / kDay;
}

Script hello() {
  return answer([](const std::string&) { return reply(200, "hello"); });
}

/// Reads what comes and never answers.
void silence(Peer& peer) { peer.wait_closed(); }

std::string refused(const Given& given) {
  try {
    static_cast<void>(make_probe(given));
  } catch (const Error& error) {
    return std::string(to_string(error.reason())) + ": " + error.what();
  }
  return "accepted";
}

std::string refused(const std::string& target) {
  return refused(Given{{"collector.probe.target", {target}}});
}

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

TEST_CASE("a certificate that is good is verified, and its expiry shown") {
  const ScriptedServer server(hello(), tls("server"));
  const auto good = run({server.url()});
  CHECK(told(good, server.url()) == "ok connect first_byte name_lookup tls 200");
  CHECK(days_left(good, server.url()) == Approx(1).margin(0.1));
}

TEST_CASE("of several certificates the first to expire counts") {
  const auto good = read_file(file("server.pem")), old = read_file(file("expired.pem"));
  CHECK(http::earliest_expiry(good).value() == Approx(unix_now() + kDay).margin(kDay / 10));
  for (const auto& both : {good + old, old + good}) {
    CHECK(http::earliest_expiry(both).value() == Approx(unix_now() - kDay).margin(kDay / 10));
  }
  CHECK_FALSE(http::earliest_expiry(""));
  CHECK_FALSE(http::earliest_expiry(read_file(file("empty.pem"))));
}

TEST_CASE("a certificate that is not valid fails the probe, and its expiry is shown all the same") {
  const ScriptedServer expired(hello(), tls("expired"));
  const ScriptedServer elsewhere(hello(), tls("elsewhere"));
  const ScriptedServer server(hello(), tls("server"));
  const auto samples = run({expired.url(), elsewhere.url()});
  CHECK(told(samples, expired.url()) == "tls connect name_lookup");
  CHECK(days_left(samples, expired.url()) == Approx(-1).margin(0.1));
  CHECK_THAT(told(samples, elsewhere.url()), Catch::StartsWith("tls connect name_lookup"));
  CHECK(days_left(samples, elsewhere.url()) == Approx(1).margin(0.1));
  const auto strange = run({server.url()}, "9s", "other_ca.pem");
  CHECK(told(strange, server.url()) == "tls connect name_lookup");
  CHECK(days_left(strange, server.url()) == Approx(1).margin(0.1));
  CHECK(expired.requests().empty());
  CHECK(elsewhere.requests().empty());
  CHECK(server.requests().empty());
}

TEST_CASE("a server that refuses in TLS has that reason, and its certificate's expiry is shown") {
  for (const std::string version : {"TLS1.2", "TLS1.3"}) {
    INFO(version);
    auto wants_certificate = tls("server");
    wants_certificate.client_ca = file("ca.pem");
    wants_certificate.priorities = "NORMAL:-VERS-ALL:+VERS-" + version;
    const ScriptedServer server(hello(), wants_certificate);
    const auto refused = run({server.url()});
    CHECK_THAT(told(refused, server.url()), Catch::StartsWith("tls connect name_lookup"));
    CHECK(days_left(refused, server.url()) == Approx(1).margin(0.1));
    CHECK(server.requests().empty());
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("the expiry of certificates is read from the message of either version of TLS") {
  const auto message = [](const std::string& list, const std::string& context) {
    const auto sized = [](const std::string& bytes) {
      const auto size = bytes.size();
      return std::string{static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                         static_cast<char>(size)} +
             bytes;
    };
    return '\x0b' + sized(context + sized(list));
  };
  const std::string zero(1, '\0');
  for (const auto& text : {std::string(), std::string("\x0b"), message("", ""), message("", zero),
                           message("\x01", ""), message(std::string(3, '\xff'), zero),
                           message(zero + zero + "\x01x", ""), message("abc", "abc")}) {
    CHECK_FALSE(http::earliest_expiry_in_message(text));
  }
  CHECK(http::is_certificate_message(message("", "")));
  CHECK_FALSE(http::is_certificate_message(message("", "") + "x"));
  CHECK_FALSE(http::is_certificate_message("HTTP/1.1 200 OK"));
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

TEST_CASE("probes run in the background, but without a target nobody is woken for it") {
  const auto schedule = [](const Given& given) {
    const Settings settings(kProbe.flags, given, nullptr);
    return kProbe.schedule_for({settings, "/proc", "/sys", "/", "/run/udev/data", upstreams()});
  };
  CHECK(std::holds_alternative<OnScrape>(schedule({})));
  CHECK(run(make_probe({})).values.empty());
  REQUIRE(
      std::holds_alternative<Every>(schedule({{"collector.probe.target", {"tcp://db1:5432"}}})));
}

TEST_CASE("a target that cannot be probed as it stands is a fault of the configuration") {
  const std::string front = "config: --collector.probe.target: target 1: ";
  for (const std::string target : {"", "db1:5432", "ftp://db1/", "unix:///run/x"}) {
    CHECK(refused(target) == front + "a target begins with tcp://, http:// or https://");
  }
  for (const std::string target : {"tcp://", "tcp://db1", "tcp://db1:", "tcp://db1:0",
                                   "tcp://db1:65536", "tcp://[::1]", "tcp://db1:5432/"}) {
    CHECK(refused(target) == front + "a tcp:// target needs a host and a port, and no path");
  }
  for (const std::string target :
       {"http://me:hunter2@db1/", "https://hunter2@db1/", "tcp://me:hunter2@db1:1"}) {
    CHECK(refused(target) == front + "URL: must not hold a user or a password");
  }
  for (const std::string target : {"http://db1/#hunter2", "http://db1/?hunter2#more"}) {
    CHECK(refused(target) == front + "a target must not hold a fragment");
  }
  CHECK(refused("http://a:99999/") ==
        front +
            "URL: not a valid URL: a host, and perhaps a port from 1 to 65535, follow the scheme");
  CHECK_THAT(refused("http://db1/?a b"), Catch::StartsWith(front + "GET http://db1/: "));
  for (const std::string target : {"http://", "http://[::1", "tcp://::1:5432"}) {
    CHECK_THAT(refused(target), Catch::StartsWith(front));
  }
  for (const std::string target :
       {"tcp://db1:80", "tcp://[::1]:5432", "http://[fe80::1%25eth0]/", "https://db1:8443/a?b=c"}) {
    CHECK(refused(target) == "accepted");
  }
}

TEST_CASE("faulty settings of the probe are refused") {
  const Texts one = {"tcp://db1:5432"};
  const auto with = [&](const std::string& flag, const std::string& value) {
    return refused(Given{{"collector.probe.target", one}, {"collector.probe." + flag, {value}}});
  };
  CHECK(refused(Given{{"collector.probe.target", {"http://db1/?a", "http://db1/?b"}}}) ==
        "config: --collector.probe.target: target 2: duplicate: http://db1/");
  Texts many;
  for (int i = 0; i < 100; ++i) many.push_back("tcp://db1:" + std::to_string(5000 + i));
  CHECK(refused(Given{{"collector.probe.target", many}}) == "accepted");
  many.push_back("tcp://db1:1");
  CHECK(refused(Given{{"collector.probe.target", many}}) ==
        "config: --collector.probe.target: more than 100 targets");
  for (const std::string timeout : {"0s", "9001ms"}) {
    CHECK(with("target-timeout", timeout) ==
          "config: --collector.probe.target-timeout: expected a duration above 0 and at most 9s");
  }
  const std::map<std::string, std::string> files = {{"missing.pem", "No such file or directory"},
                                                    {"empty.pem", "no certificates in it"},
                                                    {".", "not a regular file"}};
  for (const auto& [name, why] : files) {
    CHECK(with("ca-file", file(name)) ==
          "config: --collector.probe.ca-file: " + file(name).string() + ": " + why);
  }
}
