#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "exporters/host/collectors.h"
#include "tests/exporters/host/probed.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
using namespace probed;

namespace {

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
    CHECK(refused(target) == front + "URL: must not contain a user or a password");
  }
  for (const std::string target : {"http://db1/#hunter2", "http://db1/?hunter2#more"}) {
    CHECK(refused(target) == front + "a target must not contain a fragment");
  }
  CHECK(refused("http://a:99999/") == front +
                                          "URL: not a valid URL: expected a host and an optional "
                                          "port from 1 to 65535 after the scheme");
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
