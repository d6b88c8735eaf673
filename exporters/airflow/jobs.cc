#include <map>

#include "common/app/rows.h"
#include "exporters/airflow/list.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {
namespace {

constexpr auto kAlive = gauge(
    "airflow_component_jobs",
    "Processes of the component that Airflow 3 reports as alive; Airflow 2 does not report them.",
    "deployment", "component");
constexpr MetricView kMetrics[] = {kAlive};

constexpr std::size_t kMostPages = 10;

/// Airflow selects the live jobs from each page, whose total includes dead ones, also those that
/// were killed while running. So the most recent heartbeats come first, and a page with a dead job
/// is the last.
void collect(Deployment& deployment, Samples& samples, const Deadline& deadline) {
  if (deployment.api.release(deadline).api == ApiVersion::v1) return;
  std::map<std::string, std::uint64_t> alive{
      {"scheduler", 0}, {"triggerer", 0}, {"dag_processor", 0}};
  ListRows rows(samples);
  std::size_t received = kPage;
  for (std::size_t pages = 0; received == kPage && pages < kMostPages; ++pages) {
    const Query query{{"is_alive", "true"},
                      {"job_state", "running"},
                      {"order_by", "-latest_heartbeat"},
                      {"limit", std::to_string(kPage)},
                      {"offset", std::to_string(pages * kPage)}};
    const auto page = deployment.api.get("/jobs", query, deadline).body;
    received = rows.take(page.at("jobs"), [&](const Json& row) {
      const auto component = component_of_job(row);
      if (!component.empty()) ++alive[component];
    });
    rows.check();
  }
  for (const auto& [component, count] : alive) {
    samples.add(kAlive, static_cast<double>(count), deployment.name, component);
  }
}

}  // namespace

constinit const Module kJobs{"jobs",
                             Module::Default::on,
                             kMetrics,
                             {},
                             run<collect>,
                             Every{std::chrono::seconds(30), std::chrono::minutes(5)},
                             std::chrono::minutes(1)};

}  // namespace exporter::airflow
