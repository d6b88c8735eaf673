#include "exporters/dbt/cloud_history.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/ledger/ledger.h"

namespace exporter::dbt {
namespace {

constexpr std::size_t kMaxPages = 50, kMaxOpenAtOnce = 20, kMaxUnreadableAtOnce = 3;
/// More than the ids of all accounts together advance between two runs of one.
constexpr std::int64_t kLeap = 1'000'000'000;
/// How old an unfinished run that cannot be read may be.
constexpr auto kPatience = std::chrono::days(2);

}  // namespace

void CloudHistory::read(const CloudApi& api, const Use& use, const Deadline& deadline) {
  if (!has_read_past_) return read_past(api, use, deadline);
  read_open(api, use, deadline);
  read_new(api, use, deadline);
}

/// Reads back from the newest run to the position, or as far as the lookback. Runs that come
/// meanwhile move those before them to later pages, and are new ones afterwards.
void CloudHistory::read_past(const CloudApi& api, const Use& use, const Deadline& deadline) {
  const auto since = Ledger::wall_clock() - options_.lookback;
  auto& [page, newest, second, is_due] = past_;
  for (;; ++page) {
    if (page == kMaxPages) {
      log::warn("older runs are left out", {{"project", options_.project}});
      break;
    }
    const auto runs = api.newest_runs(page * CloudApi::kPage, deadline);
    for (const auto& run : runs.rows) {
      second = std::max(second, std::min(run.id, newest));
      newest = std::max(newest, run.id);
      if (position_ > 0) {
        is_due = run.id > position_;
      } else if (!run.is_malformed) {
        is_due = run.created_at >= since;
      }
      if (is_due || !(run.is_finished() || run.is_malformed)) take(run, use);
    }
    if (runs.is_last || !is_due) break;
  }
  pass(second);
  pass(newest);
  has_read_past_ = true;
}

void CloudHistory::read_new(const CloudApi& api, const Use& use, const Deadline& deadline) {
  auto after = newest_;
  for (std::size_t page = 0; page < kMaxPages; ++page) {
    const auto runs = api.runs_after(after, deadline);
    for (const auto& run : runs.rows) {
      if (run.id != leapt_) take(run, use);
      pass(run.id);
      after = std::max(after, run.id);
    }
    if (runs.is_last) break;
  }
}

/// A few at a time, in turn. One that cannot be read holds up neither the others nor new runs.
void CloudHistory::read_open(const CloudApi& api, const Use& use, const Deadline& deadline) {
  std::vector<std::int64_t> ids;
  for (const auto& [id, run] : open_) ids.push_back(id);
  std::rotate(ids.begin(), std::ranges::upper_bound(ids, checked_), ids.end());
  if (ids.size() > kMaxOpenAtOnce) ids.resize(kMaxOpenAtOnce);
  std::size_t unreadable = 0;
  for (const auto id : ids) {
    checked_ = id;
    try {
      const auto run = api.find_run(id, deadline);
      unreadable_.erase(id);
      run ? take(*run, use) : close(id);
    } catch (const Error& error) {
      if (!may_be_of_one(error)) throw;
      note_unreadable(id, error);
      if (++unreadable == kMaxUnreadableAtOnce) return;
    }
  }
}

void CloudHistory::note_unreadable(std::int64_t id, const Error& error) {
  const bool is_over = Ledger::wall_clock() - open_.at(id).created_at > kPatience;
  if (unreadable_.insert(id).second || is_over) {
    log::warn(is_over ? "run cannot be read, and is no longer followed"
                      : "run cannot be read, and is asked for again",
              {{"project", options_.project}, {"run", id}, {"error", error.what()}});
  }
  if (is_over) close(id);
}

void CloudHistory::close(std::int64_t id) {
  unreadable_.erase(id);
  if (open_.erase(id) > 0) ++revision_;
}

void CloudHistory::take(const CloudRun& run, const Use& use) {
  if (run.is_malformed) {
    const auto [known, is_new] = open_.try_emplace(run.id, run);
    if (is_new) known->second.created_at = Ledger::wall_clock();
    return;
  }
  if (!options_.is_wanted(run)) return close(run.id);
  if (run.is_finished()) {
    close(run.id);
    return use(run);
  }
  const auto [known, is_new] = open_.try_emplace(run.id, run);
  const bool is_news = is_new || known->second.is_malformed || known->second.status != run.status;
  known->second = run;
  if (!is_news) return;
  ++revision_;
  use(run);
}

/// Passes one that is far beyond the others when there is another beyond it.
void CloudHistory::pass(std::int64_t id) {
  if (id > leapt_) newest_ = std::max(newest_, leapt_);
  if (id - newest_ > kLeap) {
    leapt_ = std::max(leapt_, id);
  } else {
    newest_ = std::max(newest_, id);
  }
}

std::int64_t CloudHistory::position(const std::vector<std::int64_t>& pending) const {
  auto up_to = newest_;
  const auto stop_before = [&](std::int64_t id) {
    if (id > position_) up_to = std::min(up_to, id - 1);
  };
  for (const auto& [id, run] : open_) stop_before(id);
  for (const auto id : pending) stop_before(id);
  return std::max(position_, up_to);
}

}  // namespace exporter::dbt
