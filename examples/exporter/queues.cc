#include "examples/exporter/server.h"

namespace exporter::jobs {
namespace {

constexpr auto kWaiting = gauge("jobs_waiting", "Jobs that wait to start.", "server", "queue");
constexpr auto kRunning = gauge("jobs_running", "Jobs that run.", "server", "queue");
constexpr MetricView kMetrics[] = {kWaiting, kRunning};

void collect(Server& server, Samples& samples, const Deadline& deadline) {
  const auto answer = server.api.get("/v1/queues", deadline);
  for (const auto& queue : answer.at("queues").items()) {
    const auto name = queue.at("name").string();
    samples.add(kWaiting, queue.at("waiting").number(), server.name, name);
    samples.add(kRunning, queue.at("running").number(), server.name, name);
  }
}

}  // namespace

constinit const Module kQueues{"queues", Module::Default::on, kMetrics, {}, run<collect>,
                               Every{std::chrono::seconds(15), std::chrono::minutes(5)}};

}  // namespace exporter::jobs
