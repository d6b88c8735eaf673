#include <array>
#include <optional>

#include "common/base/error.h"
#include "exporters/airflow/deployment.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {
namespace {

constexpr auto kInfo =
    info("airflow_info", "Information about the deployment.", "deployment", "version");
constexpr auto kHealthy =
    gauge("airflow_component_healthy",
          "1 if Airflow reports the component as healthy: the last heartbeat of its newest process "
          "is at most 30 s old by default. Absent for a component that never ran as its own "
          "process, such as the dag_processor inside the scheduler of Airflow 2.",
          "deployment", "component");
constexpr auto kHeartbeat =
    gauge("airflow_component_last_heartbeat_timestamp_seconds",
          "Last heartbeat of the component's newest process, in seconds since 1970.", "deployment",
          "component");
constexpr MetricView kMetrics[] = {kInfo, kHealthy, kHeartbeat};

void add(Samples& samples, const std::string& deployment, const Component& component) {
  if (component.is_healthy) {
    samples.add(kHealthy, *component.is_healthy ? 1 : 0, deployment, component.name);
  }
  if (component.heartbeat) {
    samples.add(kHeartbeat, seconds_of(*component.heartbeat), deployment, component.name);
  }
}

/// A component of an unexpected shape is left out like a malformed row of a list: see read_rows().
void add_components(Samples& samples, const std::string& deployment, const Json& page) {
  constexpr std::array<std::string_view, 4> kNames = {"metadatabase", "scheduler", "triggerer",
                                                      "dag_processor"};
  std::optional<Error> first;
  std::size_t good = 0;
  for (const auto name : kNames) {
    try {
      const auto component = page.find(name);
      if (!component) continue;
      add(samples, deployment, read_component(name, *component));
      ++good;
    } catch (const Error& error) {
      if (error.reason() != Reason::decode) throw;
      if (!first) first = error;
    }
  }
  if (!first) return;
  if (good == 0) throw Error(*first);
  samples.note_malformed_row(first->what());
}

/// Fails while no list was ever allowed: without a valid login the health page is all that can be
/// read.
void collect(Deployment& deployment, Samples& samples, const Deadline& deadline) {
  const auto release = deployment.api.release(deadline);
  const auto* path = release.api == ApiVersion::v1 ? "/health" : "/monitor/health";
  const auto page = deployment.api.get_open(path, deadline);
  samples.add(kInfo, 1, deployment.name, release.number);
  add_components(samples, deployment.name, page.body);
  if (const auto refused = deployment.api.refused()) samples.set_failure(*refused);
}

}  // namespace

constinit const Module kHealth{.name = "health",
                               .enabled = Module::Default::on,
                               .metrics = kMetrics,
                               .flags = {},
                               .make = run<collect>,
                               .schedule = Every{std::chrono::seconds(15), std::chrono::minutes(2)},
                               .runs_beside_others = true};

}  // namespace exporter::airflow
