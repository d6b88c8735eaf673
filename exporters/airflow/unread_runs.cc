#include "exporters/airflow/unread_runs.h"

#include <algorithm>
#include <chrono>

#include "common/base/log.h"
#include "common/base/time.h"

namespace exporter::airflow {
namespace {

constexpr auto kPatience = std::chrono::minutes(10);

std::string text_of(Time time) {
  return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time));
}

}  // namespace

/// A slice that was left out before may now be read in parts.
void UnreadRuns::note(const Slice& slice, std::size_t runs, const std::string& error, Time now) {
  const bool is_old = slice.due_to.has_value();
  auto since = now;
  for (auto& part : parts_) {
    if (part.is_old != is_old || part.from >= slice.to || part.to <= slice.from) continue;
    since = std::min(since, part.since);
    part.from = slice.to;
    part.runs -= std::min(part.runs, runs);
  }
  std::erase_if(parts_, [](const Part& part) { return part.from >= part.to || part.runs == 0; });
  if (runs > 0) parts_.push_back({slice.from, slice.to, is_old, since, runs, error});
}

Time UnreadRuns::passed(Time to, bool is_old, Time now) const {
  for (const auto& part : parts_) {
    const bool is_given_up = now - part.since >= kPatience && readable_ > part.since;
    if (part.is_old == is_old && !is_given_up) to = std::min(to, part.from);
  }
  return to;
}

void UnreadRuns::give_up(Time to, bool is_old) {
  std::erase_if(parts_, [&](const Part& part) {
    if (part.is_old != is_old || part.to > to) return false;
    log::warn("finished runs that Airflow cannot describe are not counted",
              {{"runs", static_cast<std::int64_t>(part.runs)},
               {"changed_after", text_of(part.from)},
               {"changed_before", text_of(part.to)},
               {"error", part.error}});
    return true;
  });
}

std::size_t UnreadRuns::count() const {
  std::size_t runs = 0;
  for (const auto& part : parts_) runs += part.runs;
  return runs;
}

}  // namespace exporter::airflow
