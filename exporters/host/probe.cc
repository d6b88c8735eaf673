#include "common/http/probe.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/http/tls.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kSuccess = gauge(
    "probe_success", "Whether the last probe of the target succeeded (1) or not (0).", "target");
constexpr auto kFailureReason =
    gauge("probe_failure_reason",
          "Why the last probe of the target failed: 1 for the reason (dns, connect, tls, reply, "
          "status or timeout), 0 for the others.",
          "target", "reason");
constexpr auto kDuration =
    gauge("probe_duration_seconds", "Total duration of the last probe of the target.", "target");
constexpr auto kPhase = gauge(
    "probe_phase_duration_seconds",
    "Duration of the completed phases of the last probe: name_lookup, connect, tls, first_byte.",
    "target", "phase");
constexpr auto kStatus =
    gauge("probe_http_status_code", "Status of the target's last HTTP response.", "target");
constexpr auto kExpiry = gauge("probe_ssl_earliest_cert_expiry",
                               "When the first of the target's certificates expires, in seconds "
                               "since 1970; invalid ones included.",
                               "target");
constexpr MetricView kMetrics[] = {kSuccess, kFailureReason, kDuration, kPhase, kStatus, kExpiry};

constexpr Flag kTarget{"collector.probe.target", "",
                       "Target to probe, as tcp://host:port, http://host/path or "
                       "https://host/path; repeatable, at most 100.",
                       Flag::Kind::repeated};
constexpr Flag kTimeout{"collector.probe.target-timeout", "5s",
                        "Timeout of one target, at most 9s."};
constexpr Flag kCaFile{"collector.probe.ca-file", "",
                       "File with CA certificates (PEM) to trust instead of the system's."};
constexpr Flag kFlags[] = {kTarget, kTimeout, kCaFile};

constexpr std::size_t kMostTargets = 100;
constexpr auto kLongestTimeout = std::chrono::seconds(9);  // a run of a collector has ten seconds

std::vector<http::ProbeTarget> read_targets(const Settings& settings) {
  const auto& texts = settings.texts(kTarget.name);
  if (texts.size() > kMostTargets) settings.fail(kTarget.name, "more than 100 targets");
  std::vector<http::ProbeTarget> targets;
  std::set<std::string> labels;
  for (const auto& text : texts) {
    const auto ordinal = "target " + std::to_string(targets.size() + 1) + ": ";
    try {
      targets.push_back(http::parse_probe_target(text));
    } catch (const Error& error) {
      settings.fail(kTarget.name, ordinal + error.what());
    }
    const auto& label = targets.back().label;
    if (!labels.insert(label).second) settings.fail(kTarget.name, ordinal + "duplicate: " + label);
  }
  return targets;
}

std::chrono::milliseconds read_timeout(const Settings& settings) {
  const auto timeout = settings.duration(kTimeout.name);
  if (timeout <= timeout.zero() || timeout > kLongestTimeout) {
    settings.fail(kTimeout.name, "expected a duration above 0 and at most 9s");
  }
  return timeout;
}

std::string read_ca_file(const Settings& settings) {
  const auto& path = settings.text(kCaFile.name);
  if (path.empty()) return path;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    settings.fail(kCaFile.name, path + ": " + (error ? error.message() : "not a regular file"));
  }
  std::ifstream in(path);
  if (!in) settings.fail(kCaFile.name, path + ": cannot be read");
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (!http::earliest_expiry(text)) settings.fail(kCaFile.name, path + ": no certificates in it");
  return path;
}

constexpr Every kEvery{std::chrono::seconds(15), std::chrono::seconds(15)};

/// Without targets no thread is needed.
Schedule schedule_for(const Host& host) {
  if (host.settings.texts(kTarget.name).empty()) return OnScrape{};
  return kEvery;
}

class Probe {
 public:
  explicit Probe(const Host& host)
      : timeout_(read_timeout(host.settings)),
        prober_(read_targets(host.settings), read_ca_file(host.settings)),
        logged_(prober_.targets().size()) {}

  void collect(Samples& samples, const Deadline& deadline) {
    if (prober_.targets().empty()) return;
    const auto until = std::min(deadline.when(), Clock::now() + timeout_);
    const auto results = prober_.probe(Deadline::at(until, deadline.stop()));
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& target = prober_.targets()[i].label;
      add(samples, target, results[i]);
      log_change(target, results[i].why, logged_[i]);
    }
  }

 private:
  static void add(Samples& samples, const std::string& target, const http::ProbeResult& result) {
    samples.add(kSuccess, result.failure ? 0 : 1, target);
    for (std::size_t i = 0; i < http::kProbeFailures.size(); ++i) {
      const bool failed = result.failure == static_cast<http::ProbeFailure>(i);
      samples.add(kFailureReason, failed ? 1 : 0, target, http::kProbeFailures[i]);
    }
    samples.add(kDuration, result.seconds, target);
    for (const auto& [phase, seconds] : result.phases) {
      samples.add(kPhase, seconds, target, phase);
    }
    if (result.status) samples.add(kStatus, *result.status, target);
    if (result.certificate_expiry) samples.add(kExpiry, *result.certificate_expiry, target);
  }

  static void log_change(const std::string& target, const std::string& why, std::string& logged) {
    if (why == logged) return;
    if (why.empty()) {
      log::info("target reached again", {{"target", target}});
    } else {
      log::warn("target not reached", {{"target", target}, {"error", why}});
    }
    logged = why;
  }

  std::chrono::milliseconds timeout_;
  http::Prober prober_;
  std::vector<std::string> logged_;  ///< the last logged failure of each target
};

}  // namespace

extern constinit const Module kProbe{.name = "probe",
                                     .enabled = Module::Default::on,
                                     .metrics = kMetrics,
                                     .flags = kFlags,
                                     .make = make<Probe>,
                                     .schedule = kEvery,
                                     .schedule_for = schedule_for};

}  // namespace exporter::host
