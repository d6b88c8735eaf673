#include "exporters/airflow/notable_tasks.h"

#include <algorithm>

#include "common/base/text.h"

namespace exporter::airflow {
namespace {

constexpr std::string_view kPrefix = "notable/";
constexpr auto kKept = std::chrono::hours(24);
/// The number of tasks per hour whose failures are kept: if everything fails, the rest is not
/// needed.
constexpr std::size_t kMostFailing = 1000;

/// False also for hours far ahead, from when a clock was wrong.
bool is_kept(Time hour, Time now) { return std::chrono::abs(now - hour) < kKept; }

}  // namespace

void NotableTasks::load(Ledger::Run& run) {
  run.each_metadata(kPrefix, [&](std::string_view key, std::string_view text) {
    key.remove_prefix(kPrefix.size());
    const auto hour = parse_number<std::int64_t>(next_part(key, '\n'));
    Name name{std::string(next_part(key, '\n')), std::string(key)};
    const auto failures = parse_number<std::uint64_t>(next_part(text, ' '));
    const auto longest = parse_number<double>(text);
    if (!hour || !failures || !longest) return;
    hours_[Hour(std::chrono::hours(*hour))].emplace(std::move(name), Tally{*failures, *longest});
  });
}

void NotableTasks::store(Ledger::Run& run, Hour hour, const Name& name, const Tally& tally) {
  const bool is_empty = tally.failures == 0 && tally.longest == 0;
  run.set_metadata(std::string(kPrefix) + std::to_string(hour.time_since_epoch().count()) + '\n' +
                       name.dag + '\n' + name.task,
                   is_empty ? std::string()
                            : std::to_string(tally.failures) + ' ' + std::to_string(tally.longest));
}

void NotableTasks::note(Ledger::Run& run, const TaskInstance& task) {
  const bool failed = task.state == "failed" || task.state == "up_for_retry";
  if (!task.ended || (!failed && task.state != "success")) return;
  const auto hour = std::chrono::floor<std::chrono::hours>(*task.ended);
  auto& tallies = hours_[hour];
  const Name name{task.dag, task.task};
  if (failed && (tallies.contains(name) || tallies.size() < kMostFailing)) {
    ++tallies[name].failures;
    store(run, hour, name, tallies[name]);
  }
  if (task.started && *task.started < *task.ended) {
    note_longest(run, hour, tallies, name,
                 std::chrono::duration<double>(*task.ended - *task.started).count());
  }
}

/// The longest tasks of a day are among the longest of their hours.
void NotableTasks::note_longest(Ledger::Run& run, Hour hour, Tallies& tallies, const Name& name,
                                double seconds) {
  std::size_t count = 0;
  Tallies::value_type* shortest = nullptr;
  for (auto& each : tallies) {
    if (each.second.longest == 0 || each.first == name) continue;
    ++count;
    if (shortest == nullptr || each.second.longest < shortest->second.longest) shortest = &each;
  }
  if (count >= kMost) {
    if (shortest->second.longest >= seconds) return;
    shortest->second.longest = 0;
    const auto [out, tally] = *shortest;
    store(run, hour, out, tally);
    if (tally.failures == 0) tallies.erase(out);
  }
  auto& tally = tallies[name];
  if (tally.longest >= seconds) return;
  tally.longest = seconds;
  store(run, hour, name, tally);
}

void NotableTasks::expire(Ledger::Run& run, Time now) {
  std::erase_if(hours_, [&](const auto& entry) {
    const auto& [hour, tallies] = entry;
    if (is_kept(hour, now)) return false;
    for (const auto& [name, tally] : tallies) store(run, hour, name, {});
    return true;
  });
}

template <class Add>
NotableTasks::Ranking NotableTasks::ranking(const Shows& shows, Time now, const Add& add) const {
  std::map<Name, double> values;
  for (const auto& [hour, tallies] : hours_) {
    if (!is_kept(hour, now)) continue;  // discarded with the next try that counts
    for (const auto& [name, tally] : tallies) {
      if (shows(name.dag)) add(values[name], tally);
    }
  }
  Ranking ranking(values.begin(), values.end());
  std::erase_if(ranking, [](const auto& entry) { return entry.second == 0; });
  std::ranges::stable_sort(ranking, std::greater(), [](const auto& entry) { return entry.second; });
  if (ranking.size() > kMost) ranking.resize(kMost);
  return ranking;
}

NotableTasks::Ranking NotableTasks::failures(const Shows& shows, Time now) const {
  return ranking(shows, now, [](double& value, const Tally& tally) {
    value += static_cast<double>(tally.failures);
  });
}

NotableTasks::Ranking NotableTasks::longest(const Shows& shows, Time now) const {
  return ranking(shows, now,
                 [](double& value, const Tally& tally) { value = std::max(value, tally.longest); });
}

}  // namespace exporter::airflow
