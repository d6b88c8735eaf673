#include "common/app/rows.h"
#include "examples/exporter/server.h"

namespace exporter::jobs {
namespace {

constexpr auto kJobs =
    counter("jobs_finished_total", "Finished jobs.", "server", "queue", "outcome");
constexpr auto kSeconds =
    histogram("jobs_duration_seconds", "How long finished jobs ran.", "server", "queue");
constexpr double kBounds[] = {1, 10, 60, 600};
constexpr MetricView kMetrics[] = {kJobs, kSeconds};

class Finished {
 public:
  explicit Finished(Server& server) : server_(server) {}

  void collect(Samples& samples, const Deadline& deadline) {
    try {
      while (count_page(samples, deadline)) continue;
    } catch (const Error& error) {
      samples.set_failure(error);  // counts stay right, and on the page
    }
    server_.ledger->add_to(samples, kJobs);
    server_.ledger->add_to(samples, kSeconds, kBounds);
  }

 private:
  /// Counts the next finished jobs; returns whether there are more.
  bool count_page(Samples& samples, const Deadline& deadline) {
    if (position_.empty()) position_ = server_.ledger.begin(deadline).metadata("position");
    // Fetched before the run of the ledger starts: an open run excludes others.
    const auto page = server_.api.get("/v1/finished?limit=100&after=" + position_, deadline);
    const auto next = std::to_string(page.at("last").integer());
    const bool has_more = page.at("has_more").boolean();
    auto run = server_.ledger.begin(deadline);
    read_rows(page.at("jobs"), samples, [&](const Json& job) { count(run, job); });
    run.set_metadata("position", next);
    run.commit();
    position_ = next;  // after the commit: a page that was not committed is fetched again
    return has_more;
  }

  void count(Ledger::Run& run, const Json& job) const {
    const auto id = job.at("id").string(), queue = job.at("queue").string();
    const auto outcome = job.at("outcome").string();
    const Event event{id, job.at("finished_at").time()};
    run.observe(kSeconds, kBounds, event, job.at("seconds").number(), server_.name, queue);
    for (const auto* each : {"success", "error"}) run.ensure(kJobs, server_.name, queue, each);
    run.record(kJobs, event, 1, server_.name, queue, outcome);
  }

  Server& server_;
  std::string position_;  // of the last page in the ledger; empty before the first
};

}  // namespace

constinit const Module kFinished{
    "finished", Module::Default::on, kMetrics,
    {},         make<Finished>,      Every{std::chrono::seconds(15), std::chrono::minutes(5)}};

}  // namespace exporter::jobs
