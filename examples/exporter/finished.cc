#include "examples/exporter/server.h"

namespace exporter::jobs {
namespace {

constexpr auto kFinished = counter("jobs_finished_total", "Jobs that have ended, by outcome.",
                                   "server", "queue", "outcome");
constexpr auto kSeconds =
    histogram("jobs_duration_seconds", "How long jobs took.", "server", "queue");
constexpr double kBounds[] = {1, 10, 60, 600};
constexpr MetricView kMetrics[] = {kFinished, kSeconds};
constexpr std::int64_t kPage = 100;

class Finished {
 public:
  explicit Finished(Server& server) : server_(server) {}

  void collect(Samples& samples, const Deadline& deadline) {
    while (read_page(deadline) == kPage) deadline.check();
    server_.ledger->add_to(samples, kFinished);
    server_.ledger->add_to(samples, kSeconds, kBounds);
  }

 private:
  /// Counts the jobs after the last one that was counted; how many there were.
  std::size_t read_page(const Deadline& deadline) {
    if (position_.empty()) position_ = stored_position(deadline);
    // Fetch first: an open run of the ledger keeps others out.
    const auto page = server_.api.get(
        "/v1/jobs?limit=" + std::to_string(kPage) + "&after=" + position_, deadline);
    const auto jobs = page.at("jobs").items();
    auto run = server_.ledger.begin(deadline);
    auto position = position_;
    for (const auto& job : jobs) {
      position = std::to_string(job.at("id").integer());
      const Event event{position, job.at("finished_at").time()};
      const auto queue = job.at("queue").string();
      run.record(kFinished, event, 1, server_.name, queue, job.at("outcome").string());
      run.observe(kSeconds, kBounds, event, job.at("seconds").number(), server_.name, queue);
    }
    run.set_metadata("position", position);
    run.commit();
    position_ = position;  // after the commit: what failed is read again
    return jobs.size();
  }

  std::string stored_position(const Deadline& deadline) const {
    auto run = server_.ledger.begin(deadline);
    auto position = run.metadata("position");
    return position.empty() ? "0" : position;
  }

  Server& server_;
  std::string position_;  // the id of the last job that was counted; empty until it is known
};

}  // namespace

constinit const Module kFinished{"finished", Module::Default::on, kMetrics, {}, make<Finished>,
                                 Every{std::chrono::seconds(15), std::chrono::minutes(5)}};

}  // namespace exporter::jobs
