#include "common/app/rows.h"
#include "examples/exporter/server.h"

namespace exporter::jobs {
namespace {

constexpr auto kWaiting = gauge("jobs_waiting", "Jobs that wait for a worker.", "server", "queue");
constexpr auto kRunning = gauge("jobs_running", "Jobs that a worker runs.", "server", "queue");
constexpr MetricView kMetrics[] = {kWaiting, kRunning};

void collect(Server& server, Samples& samples, const Deadline& deadline) {
  const auto answer = server.api.get("/v1/queues", deadline);
  read_rows(answer.at("queues"), samples, [&](const Json& row) {
    const auto queue = row.at("name").string();
    const auto waiting = row.at("waiting").number(), running = row.at("running").number();
    samples.add(kWaiting, waiting, server.name, queue);
    samples.add(kRunning, running, server.name, queue);
  });
}

}  // namespace

constinit const Module kQueues{
    "queues", Module::Default::on, kMetrics,
    {},       run<collect>,        Every{std::chrono::seconds(15), std::chrono::minutes(5)}};

}  // namespace exporter::jobs
