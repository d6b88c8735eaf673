#include "exporters/dbt/cloud_unread.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/ledger/ledger.h"
#include "exporters/dbt/command_line.h"

namespace exporter::dbt {
namespace {

constexpr std::size_t kMostRuns = 10'000, kMostAtOnce = 20;
/// If more lists of artifacts cannot be read in one update, it is not for a run that they cannot.
constexpr std::size_t kMostFailed = 3;
constexpr int kMostTries = 3;
constexpr auto kPatience = std::chrono::hours(1);
/// So that many runs whose lists cannot be read do not hold up the others at each update.
constexpr auto kAskAgain = std::chrono::minutes(5);
constexpr auto kTimeToSave = std::chrono::minutes(10);

bool is_past(const std::optional<Clock::time_point>& failing_since) {
  return failing_since && Clock::now() - *failing_since > kPatience;
}

void note_try(std::optional<Clock::time_point>& failing_since) {
  if (!failing_since) failing_since = Clock::now();
}

std::string location(std::int64_t job, const CloudStep& step) {
  return "job " + std::to_string(job) + ", step " + std::to_string(step.index);
}

}  // namespace

void CloudUnread::add(const CloudRun& run) {
  runs_.try_emplace({run.ended_at(), run.id}, UnreadRun{run});
  if (runs_.size() > kMostRuns) runs_.erase(runs_.begin());
}

std::vector<std::int64_t> CloudUnread::ids() const {
  std::vector<std::int64_t> ids;
  for (const auto& [key, run] : runs_) ids.push_back(key.second);
  return ids;
}

Found CloudUnread::found(const CloudApi& api, const Place& place, const Deadline& deadline) {
  Found found{place.kind,
              location(place.job, place.step),
              "run " + std::to_string(place.run),
              0,
              place.ended_at,
              api.artifact(place.run, place.step.index, place.kind, deadline)};
  found.comes_in_order = false;
  found.set_to_work = [works = runs_nodes(command_of(place.step.command))](const std::string&) {
    return works;
  };
  return found;
}

Found CloudUnread::offered(const CloudApi& api, const std::shared_ptr<Results>& results,
                           const FirstFailure& failure, const Deadline& deadline) {
  auto found = CloudUnread::found(api, results->place, deadline);
  found.taken = [results](bool has_failures) {
    results->is_taken = true;
    results->has_failures = has_failures;
  };
  found.artifact.read = [results, failure, read = found.artifact.read](const auto& sink) {
    if (*failure) throw Error(**failure);
    note_try(results->failing_since);
    read(sink);
  };
  found.failed = [results, failure](const Error& error) {
    if (error.reason() == Reason::decode) {
      ++results->malformed;
    } else {
      *failure = error;
    }
  };
  return found;
}

bool CloudUnread::is_done(const Results& results) {
  return results.is_taken || results.malformed >= kMostTries || is_past(results.failing_since);
}

bool CloudUnread::is_done(const UnreadRun& run) {
  const auto all_done = [](const auto& all) {
    return std::ranges::all_of(all, [](const auto& results) { return is_done(*results); });
  };
  return is_past(run.failing_since) || (run.is_known && all_done(run.results));
}

bool CloudUnread::is_taken(const UnreadRun& run) {
  return run.is_known &&
         std::ranges::all_of(run.results, [](const auto& results) { return results->is_taken; });
}

std::optional<bool> CloudUnread::has_failures(const UnreadRun& run) {
  const auto failed = [](const auto& results) { return results->has_failures; };
  if (std::ranges::any_of(run.results, failed)) return true;
  return is_taken(run) ? std::optional(false) : std::nullopt;
}

std::optional<bool> CloudUnread::has_failures(const CloudRun& run) const {
  if (const auto unread = runs_.find({run.ended_at(), run.id}); unread != runs_.end()) {
    return has_failures(unread->second);
  }
  const auto done = done_.find(run.job);
  if (done == done_.end() || done->second.run.id != run.id) return std::nullopt;
  return has_failures(done->second);
}

void CloudUnread::note_taken(const Results& results) {
  const auto& place = results.place;
  auto& last = last_results_[{location(place.job, place.step), place.kind}];
  if (is_as_new(place.ended_at, last.ended_at)) last = place;
}

void CloudUnread::sweep() {
  for (auto at = runs_.begin(); at != runs_.end();) {
    const auto& run = at->second;
    for (const auto& results : run.results) {
      if (results->is_taken) note_taken(*results);
    }
    if (!is_done(run)) {
      ++at;
      continue;
    }
    if (!is_taken(run)) {
      log::warn("artifacts of a run not read, no more tries",
                {{"project", project_}, {"run", run.run.id}});
    }
    auto& done = done_.try_emplace(run.run.job, run).first->second;
    if (is_as_new(run.run.ended_at(), done.run.ended_at())) done = run;
    at = runs_.erase(at);
  }
}

/// Finds out which artifacts the run has, unless it is too early to ask.
void CloudUnread::explore(UnreadRun& run, const CloudApi& api, const Deadline& deadline) {
  const auto found = api.find_run(run.run.id, deadline);
  const auto age = Ledger::wall_clock() - run.run.ended_at();
  if (found && !found->has_saved_artifacts && age < kTimeToSave) return;
  std::vector<std::shared_ptr<Results>> all;
  for (const auto& step : found ? found->steps : std::vector<CloudStep>()) {
    for (const auto kind : api.artifacts(run.run.id, step.index, deadline)) {
      const Place place{run.run.ended_at(), run.run.id, run.run.job, step, kind};
      if (kind != Kind::manifest && kind != Kind::catalog) {
        all.push_back(std::make_shared<Results>(Results{place}));
      } else if (auto& newest = newest_[kind]; is_as_new(place.ended_at, newest.ended_at)) {
        newest = place;
      }
    }
  }
  run.results = std::move(all);
  run.is_known = true;
  run.failing_since.reset();
}

/// The patience with a run whose artifacts cannot be listed ends only if others can be.
void CloudUnread::explore(const CloudApi& api, const Deadline& deadline) {
  std::vector<UnreadRun*> failed;
  std::optional<Error> failure;
  std::size_t known = 0, asked = 0;
  for (auto& [key, run] : runs_) {
    if (known == kMostAtOnce || failed.size() > kMostFailed) break;
    if (!run.is_known && Clock::now() >= run.ask_at) {
      ++asked;
      failure = try_explore(run, api, deadline);
      if (failure) failed.push_back(&run);
    }
    if (run.is_known) ++known;
  }
  const bool are_many = failed.size() > kMostFailed;
  for (auto* run : failed) {
    if (!are_many || asked > failed.size()) note_try(run->failing_since);
  }
  if (are_many) throw Error(*failure);
}

/// Returns a failure that may be of this run alone.
std::optional<Error> CloudUnread::try_explore(UnreadRun& run, const CloudApi& api,
                                              const Deadline& deadline) {
  try {
    explore(run, api, deadline);
    return std::nullopt;
  } catch (const Error& error) {
    if (!may_be_of_one(error)) {
      note_try(run.failing_since);
      throw;
    }
    run.ask_at = Clock::now() + kAskAgain;
    log::warn("artifacts of a run cannot be listed, and are asked for again",
              {{"project", project_}, {"run", run.run.id}, {"error", error.what()}});
    return error;
  }
}

std::vector<Found> CloudUnread::offer(const CloudApi& api, const Deadline& deadline) {
  explore(api, deadline);
  std::vector<Found> all;
  for (const auto& [place, last] : last_results_) all.push_back(found(api, last, deadline));
  const auto failure = std::make_shared<std::optional<Error>>();
  std::size_t count = 0;
  for (const auto& [key, run] : runs_) {
    for (const auto& results : run.results) {
      if (!is_done(*results)) all.push_back(offered(api, results, failure, deadline));
    }
    if (run.is_known && ++count == kMostAtOnce) break;
  }
  for (const auto& [kind, place] : newest_) all.push_back(found(api, place, deadline));
  return all;
}

}  // namespace exporter::dbt
