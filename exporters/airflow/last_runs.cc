#include "exporters/airflow/last_runs.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/config/json_object.h"
#include "exporters/airflow/later.h"

namespace exporter::airflow {
namespace {

constexpr std::string_view kPrefix = "last/";

std::int64_t count(Time time) { return time.time_since_epoch().count(); }

Time time_of(const Json& value) { return Time(Time::duration(value.integer())); }

std::string written(const LastRun& last) {
  JsonObject object;
  object.add("run", last.run);
  object.add("state", last.state);
  object.add("type", last.type);
  object.add("ended", count(last.ended));
  object.add("seconds", last.seconds);
  if (last.success_at) object.add("success_at", count(*last.success_at));
  object.add("consecutive_failures", static_cast<std::int64_t>(last.consecutive_failures));
  return object.text();
}

LastRun read(const Json& json) {
  LastRun last;
  last.run = json.at("run").string();
  last.state = json.at("state").string();
  last.type = json.at("type").string();
  last.ended = time_of(json.at("ended"));
  if (const auto seconds = json.find("seconds")) last.seconds = seconds->number();
  if (const auto success = json.find("success_at")) last.success_at = time_of(*success);
  last.consecutive_failures = static_cast<std::uint64_t>(json.at("consecutive_failures").integer());
  return last;
}

}  // namespace

bool note_end(LastRuns& last_runs, const DagRun& run, Time now, bool is_new) {
  if (!run.ended) return false;
  const auto is_newer = [&](Time than) { return is_later(*run.ended, than, now, is_new); };
  auto& last = last_runs[run.dag];
  const auto before = last;
  const bool succeeded = run.state == "success";
  if (succeeded && (!last.success_at || is_newer(*last.success_at))) last.success_at = run.ended;
  const bool is_same = last.run == run.id && last.ended == *run.ended;
  if (is_same || is_newer(last.ended)) {
    const auto failures = is_same && last.state == "failed" ? last.consecutive_failures - 1
                                                            : last.consecutive_failures;
    last.consecutive_failures = succeeded ? 0 : failures + 1;
    last.run = run.id;
    last.state = run.state;
    last.type = run.type;
    last.ended = *run.ended;
    last.seconds.reset();
    if (run.started && *run.started <= *run.ended) {
      last.seconds = std::chrono::duration<double>(*run.ended - *run.started).count();
    }
  }
  return last != before;
}

void learn_past(LastRuns& last_runs, const std::string& dag, std::span<const DagRun> runs,
                Time now) {
  std::vector<DagRun> in_order(runs.begin(), runs.end());
  std::ranges::sort(in_order, {}, &DagRun::ended);
  LastRuns past;
  for (const auto& run : in_order) note_end(past, run, now, true);
  const auto found = past.find(dag);
  if (found == past.end()) return;
  auto& learned = found->second;
  const auto known = last_runs.find(dag);
  if (known == last_runs.end()) {
    last_runs.emplace(dag, std::move(learned));
    return;
  }
  auto& last = known->second;
  const auto success_at = std::max(last.success_at, learned.success_at);
  const auto failures = learned.success_at
                            ? learned.consecutive_failures
                            : std::max(last.consecutive_failures, learned.consecutive_failures);
  if (learned.ended >= last.ended) {
    last = std::move(learned);
    last.consecutive_failures = failures;
  }
  last.success_at = success_at;
}

bool knows_success(const LastRuns& last_runs, std::string_view dag) {
  const auto found = last_runs.find(dag);
  return found != last_runs.end() && found->second.success_at;
}

void store_last_run(Ledger::Run& run, const LastRuns& last_runs, const std::string& dag) {
  const auto last = last_runs.find(dag);
  run.set_metadata(std::string(kPrefix) + dag,
                   last == last_runs.end() ? std::string() : written(last->second));
}

LastRuns load_last_runs(Ledger::Run& run) {
  LastRuns last_runs;
  run.each_metadata(kPrefix, [&](std::string_view key, std::string_view text) {
    const std::string dag(key.substr(kPrefix.size()));
    try {
      last_runs[dag] = read(Json::parse(text, "stored run of " + dag));
    } catch (const Error& error) {
      log::warn("stored entry left out", {{"error", error.what()}});
    }
  });
  return last_runs;
}

}  // namespace exporter::airflow
