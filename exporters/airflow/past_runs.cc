#include "exporters/airflow/past_runs.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/ledger/past_counting.h"
#include "exporters/airflow/dags.h"
#include "exporters/airflow/finished.h"
#include "exporters/airflow/history.h"

namespace exporter::airflow {
namespace {

using std::chrono::sys_seconds;

/// Maximum number of runs of a piece in memory, unless they ended in the same minute.
constexpr std::size_t kMostRuns = 10'000;
constexpr std::chrono::seconds kLongestPiece = std::chrono::days(7), kShortestPiece{60};

class PastRuns {
 public:
  PastRuns(Deployment& deployment, const PastRange& range)
      : deployment_(deployment),
        end_(end_of(deployment, range)),
        counting_(range.from, range.step) {}

  void read(sys_seconds until, TimedSamples& page, const Deadline& deadline);

 private:
  using Runs = std::multimap<Time, DagRun>;  ///< by when they ended

  static Time end_of(const Deployment& deployment, const PastRange& range) {
    const auto figures = deployment.ledger->figures();
    const Time started = figures ? figures->started : Ledger::wall_clock();
    return range.to ? std::min<Time>(started, *range.to) : started;
  }

  Runs fetch(sys_seconds until, sys_seconds& hi, const Deadline& deadline);
  bool add_runs(const History& history, sys_seconds hi, Runs& runs) const;
  void count(Ledger::Run& run, Runs& runs, sys_seconds by) const;

  Deployment& deployment_;
  const Time end_;  ///< later runs are not part of the past
  PastCounting counting_;
  std::chrono::seconds piece_ = kLongestPiece;
  bool has_ended_ = false;
};

void show(const Ledger& ledger, sys_seconds, Samples& samples) {
  add_finished_runs(samples, ledger, {});
}

void PastRuns::read(sys_seconds until, TimedSamples& page, const Deadline& deadline) {
  const auto last = std::chrono::ceil<std::chrono::seconds>(end_);
  until = std::min(until, last);
  while (counting_.at() < until) {
    sys_seconds hi;
    auto runs = fetch(until, hi, deadline);
    counting_.advance(
        hi, [&](Ledger::Run& run, sys_seconds by) { count(run, runs, by); }, show, page, deadline);
  }
  if (counting_.at() < last || std::exchange(has_ended_, true)) return;
  counting_.end(show, page);
}

/// The runs up to `hi`, which is chosen so that there are not too many.
PastRuns::Runs PastRuns::fetch(sys_seconds until, sys_seconds& hi, const Deadline& deadline) {
  Samples malformed;
  const auto history = history_of(deployment_, malformed, deadline);
  auto& selection = deployment_.selection;
  if (selection.filter().needs_list() && selection.view().list() == nullptr) {
    read_dags(deployment_, malformed, deadline);
  }
  Runs runs;
  for (;;) {
    hi = std::min(counting_.at() + piece_, until);
    if (add_runs(history, hi, runs)) break;
    piece_ = std::max(kShortestPiece, (hi - counting_.at()) / 2);
    runs.clear();
  }
  if (runs.size() < kMostRuns / 4) piece_ = std::min(kLongestPiece, 2 * piece_);
  if (!malformed.first_malformed_row().empty()) {
    log::warn("a row is left out",
              {{"deployment", deployment_.name}, {"error", malformed.first_malformed_row()}});
  }
  return runs;
}

/// False if there are too many of them.
bool PastRuns::add_runs(const History& history, sys_seconds hi, Runs& runs) const {
  const auto view = deployment_.selection.view();
  const Slice slice{.from = counting_.at(), .to = hi};
  for (std::size_t offset = 0;;) {
    const auto page = history.ended_runs(slice, offset);
    if (page.total > kMostRuns && hi - counting_.at() > kShortestPiece) return false;
    for (const auto& run : page.rows) {
      const bool is_in =
          run.ended && *run.ended >= slice.from && *run.ended < std::min<Time>(slice.to, end_);
      if (is_in && view.counts(run.dag)) runs.emplace(*run.ended, run);
    }
    offset += page.received;
    if (page.received == 0 || offset >= page.total) return true;
  }
}

void PastRuns::count(Ledger::Run& run, Runs& runs, sys_seconds by) const {
  Finished finished(run, deployment_.name, Detail::dag);
  const auto last = runs.upper_bound(by);
  for (auto each = runs.begin(); each != last; ++each) finished.count(each->second);
  finished.finish();
  runs.erase(runs.begin(), last);
}

}  // namespace

ReadPast read_past_runs(const std::shared_ptr<Deployment>& deployment, const PastRange& range) {
  return [deployment, past = std::make_shared<PastRuns>(*deployment, range)](
             sys_seconds until, TimedSamples& page, const Deadline& deadline) {
    past->read(until, page, deadline);
  };
}

}  // namespace exporter::airflow
