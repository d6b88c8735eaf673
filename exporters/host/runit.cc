#include <string>

#include "exporters/host/module.h"

namespace exporter::host {
namespace {

constexpr auto kState =
    gauge("node_service_state", "State of runit service.", "service", "supervisor");
constexpr auto kDesired =
    gauge("node_service_desired_state", "Desired state of runit service.", "service", "supervisor");
constexpr auto kNormal =
    gauge("node_service_normal_state", "Normal state of runit service.", "service", "supervisor");
constexpr auto kChanged =
    gauge("node_service_state_last_change_timestamp_seconds",
          "Unix timestamp of the last runit service state change.", "service", "supervisor");
constexpr MetricView kMetrics[] = {kState, kDesired, kNormal, kChanged};

constexpr Flag kDirectory{"collector.runit.servicedir", "/etc/service",
                          "Path to runit service directory."};
constexpr Flag kFlags[] = {kDirectory};

// The contents of supervise/status of runsv(8): TAI64N, the process ID, and then these bytes.
constexpr std::size_t kSize = 20, kWanted = 17, kStateByte = 19;
/// The TAI64 label of 1970, which was 10 s ahead of UTC.
constexpr std::uint64_t kEpoch = (std::uint64_t{1} << 62) + 10;

class Runit {
 public:
  explicit Runit(const Host& host)
      : files_(host.settings.text(kDirectory.name), Files::Tree::proc) {}

  void collect(Samples& samples, const Deadline&) {
    for (const auto& service : files_.list("")) {
      const auto directory = service + "/supervise/";
      const auto status = files_.read_once(directory + "status");
      // While runsv(8) rewrites it, it is short.
      if (status && status->size() >= kSize) add(samples, service, directory, *status);
    }
  }

 private:
  void add(Samples& samples, const std::string& service, const std::string& directory,
           std::string_view status) const {
    std::uint64_t label = 0;
    for (const char byte : status.substr(0, sizeof label)) {
      label = label << 8 | static_cast<unsigned char>(byte);
    }
    samples.add(kState, static_cast<unsigned char>(status[kStateByte]), service, kSupervisor);
    samples.add(kDesired, status[kWanted] == 'u' ? 1 : 0, service, kSupervisor);
    samples.add(kNormal, files_.exists(directory + "down") ? 0 : 1, service, kSupervisor);
    samples.add(kChanged, static_cast<double>(static_cast<std::int64_t>(label - kEpoch)), service,
                kSupervisor);
  }

  static constexpr std::string_view kSupervisor = "runit";

  Files files_;
};

}  // namespace

extern constinit const Module kRunit{"runit", Module::Default::off, kMetrics, kFlags, make<Runit>};

}  // namespace exporter::host
