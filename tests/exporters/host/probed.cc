#include "tests/exporters/host/probed.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "common/base/text.h"
#include "exporters/host/collectors.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/support/certificates.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter::host;

namespace probed {
namespace {

/// The servers' certificates, made once.
class Directory {
 public:
  Directory() {
    const auto& path = directory_.path();
    make_authority(path, "ca");
    make_authority(path, "other_ca");
    make_certificate(path, "server", "IP:127.0.0.1", "ca");
    make_certificate(path, "elsewhere", "DNS:elsewhere.test", "ca");
    make_expired_certificate(path, "expired", "IP:127.0.0.1", "ca");
    std::ofstream(path / "chain.pem")
        << read_file(path / "server.pem") << read_file(path / "expired.pem");
    std::ofstream(path / "empty.pem") << "not a certificate\n";
  }
  std::filesystem::path file(const std::string& name) const { return directory_.path() / name; }

 private:
  TemporaryDirectory directory_;
};

}  // namespace

std::filesystem::path file(const std::string& name) {
  static const Directory directory;
  return directory.file(name);
}

ScriptedServer::Tls tls(const std::string& name) {
  return {file(name + ".pem"), file(name + ".key"), {}, "NORMAL"};
}

CollectFunction make_probe(const Given& given) {
  const Settings settings(kProbe.flags, given, nullptr);
  return collect_of(kProbe, {settings, "/proc", "/sys", "/", "/run/udev/data", upstreams()});
}

double Run::at(const std::string& series) const {
  INFO(series);
  REQUIRE(values.contains(series));
  return values.at(series);
}

Run run(const CollectFunction& collect, const Deadline& deadline) {
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

Run run(const Texts& targets, const std::string& timeout, const std::string& ca_file) {
  return run(make_probe({{"collector.probe.target", targets},
                         {"collector.probe.target-timeout", {timeout}},
                         {"collector.probe.ca-file", {file(ca_file)}}}));
}

std::string series(const std::string& name, const std::string& target, const std::string& more) {
  return name + "{target=\"" + target + "\"" + more + "}";
}

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

Script hello() {
  return answer([](const std::string&) { return reply(200, "hello"); });
}

}  // namespace probed
