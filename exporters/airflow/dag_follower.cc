#include "exporters/airflow/dag_follower.h"

#include <algorithm>

namespace exporter::airflow {
namespace {

constexpr std::string_view kUnasked = "ask/", kScope = "asked";
/// How often to ask for a DAG that is not in the list but was not deleted.
constexpr auto kPause = std::chrono::hours(24);

/// A missing permission for one DAG does not mean that it was deleted.
bool is_deleted(const History& history, const std::string& dag) {
  try {
    return !history.has_dag(dag);
  } catch (const Error& error) {
    if (error.reason() != Reason::auth) throw;
    return false;
  }
}

/// The newest runs of a DAG, back to its last success if two requests can find it. Nothing if no
/// request was left for it.
std::optional<std::vector<DagRun>> past_of(const History& history, const std::string& dag,
                                           Allowance& allowance) {
  if (!allowance.take()) return std::nullopt;
  try {
    auto newest = history.newest_runs(dag);
    const auto succeeded = [](const DagRun& run) { return run.state == "success"; };
    if (std::ranges::any_of(newest.rows, succeeded) || newest.received >= newest.total) {
      return std::move(newest.rows);
    }
    if (!allowance.take()) return std::nullopt;
    if (auto success = history.newest_success(dag)) newest.rows.push_back(std::move(*success));
    return std::move(newest.rows);
  } catch (const Error& error) {
    if (error.reason() != Reason::auth) throw;
    return std::vector<DagRun>();
  }
}

}  // namespace

void DagFollower::load(Ledger::Run& run) {
  run.each_metadata(kUnasked, [&](std::string_view key, std::string_view) {
    unasked_.emplace(key.substr(kUnasked.size()));
  });
  if (auto scope = run.metadata(kScope); !scope.empty()) scope_ = std::move(scope);
}

/// A DAG with a run that ended after the list was read may be newer than the list, unless its time
/// is that of a wrong clock. If clocks differ a little, it is asked for once too often, or later.
void DagFollower::discard_deleted(LastRuns& last_runs, const DagList& list,
                                  const std::set<std::string>& live, const History& history,
                                  Allowance& allowance, const Deadline& deadline) {
  std::erase_if(existed_, [&](const auto& entry) { return list.dags.contains(entry.first); });
  std::vector<std::string> unlisted, deleted;
  for (const auto& [dag, last] : last_runs) {
    const bool may_be_newer = last.ended >= list.time && last.ended <= list.time + kPause;
    if (list.dags.contains(dag) || live.contains(dag) || may_be_newer) continue;
    unlisted.push_back(dag);
  }
  allowance.failures().arrange(unlisted);
  for (const auto& dag : unlisted) {
    const auto existed = existed_.find(dag);
    if (existed != existed_.end() && std::chrono::abs(list.time - existed->second) < kPause)
      continue;
    if (!allowance.take()) break;
    bool is_gone = false;
    const auto ask = [&] { is_gone = is_deleted(history, dag); };
    if (!allowance.failures().attempt(dag, ask)) continue;
    if (is_gone) {
      deleted.push_back(dag);
    } else {
      existed_[dag] = list.time;
    }
  }
  if (!deleted.empty()) {
    auto run = runs_.begin(deadline);
    for (const auto& dag : deleted) store_last_run(run, {}, dag);
    run.commit();
    for (const auto& dag : deleted) last_runs.erase(dag);
  }
}

void DagFollower::ask_past(LastRuns& last_runs, const DagView& view, const History& history,
                           Allowance& allowance, const Deadline& deadline) {
  if (scope_ != view.scope()) begin_asking(last_runs, view, deadline);
  if (unasked_.empty()) return;
  auto next = last_runs;
  std::vector<std::string> asked;
  const auto& listed = view.list()->dags;
  auto dags = in_order(last_runs, *view.list());
  allowance.failures().arrange(dags);
  for (const auto& dag : dags) {
    if (listed.contains(dag) && view.counts(dag) && !knows_success(next, dag)) {
      std::optional<std::vector<DagRun>> past;
      const auto ask = [&] { past = past_of(history, dag, allowance); };
      if (!allowance.failures().attempt(dag, ask)) continue;
      if (!past) break;
      learn_past(next, dag, *past, view.list()->time);
    }
    asked.push_back(dag);
  }
  if (!asked.empty()) {
    auto run = runs_.begin(deadline);
    for (const auto& dag : asked) {
      store_last_run(run, next, dag);
      run.set_metadata(std::string(kUnasked) + dag, "");
    }
    run.commit();
    last_runs = std::move(next);
    for (const auto& dag : asked) unasked_.erase(dag);
  }
}

/// Leaves out DAGs that are no longer in any file, because they do not run. A DAG that appears
/// later has no past.
void DagFollower::begin_asking(LastRuns& last_runs, const DagView& view, const Deadline& deadline) {
  auto unasked = unasked_;
  auto kept = last_runs;
  std::erase_if(kept, [&](const auto& entry) { return !view.counts(entry.first); });
  auto run = runs_.begin(deadline);
  for (const auto& [dag, last] : last_runs) {
    if (!kept.contains(dag)) store_last_run(run, kept, dag);
  }
  for (const auto& [id, dag] : view.list()->dags) {
    if (!dag.is_in_file() || !view.counts(id) || knows_success(kept, id)) continue;
    unasked.insert(id);
    run.set_metadata(std::string(kUnasked) + id, "1");
  }
  run.set_metadata(kScope, view.scope());
  run.commit();
  last_runs = std::move(kept);
  unasked_ = std::move(unasked);
  scope_ = view.scope();
}

std::vector<std::string> DagFollower::in_order(const LastRuns& last_runs,
                                               const DagList& list) const {
  std::vector<std::string> dags(unasked_.begin(), unasked_.end());
  std::stable_partition(dags.begin(), dags.end(), [&](const std::string& dag) {
    const auto found = list.dags.find(dag);
    return found == list.dags.end() || knows_success(last_runs, dag) || !found->second.is_paused;
  });
  return dags;
}

}  // namespace exporter::airflow
