#include "exporters/airflow/requirements.h"

#include <algorithm>
#include <array>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::airflow {
namespace {

using std::chrono::days;
using std::chrono::minutes;

constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/// "06:00", as the time since midnight.
minutes read_time_of_day(const Yaml& value) {
  const auto text = value.string();
  auto rest = std::string_view(text);
  const auto hour_text = next_part(rest, ':');
  const auto hour = parse_number<unsigned>(hour_text), minute = parse_number<unsigned>(rest);
  const bool is_good =
      hour_text.size() <= 2 && rest.size() == 2 && hour && *hour < 24 && minute && *minute < 60;
  if (!is_good) value.fail("expected a time of day, such as \"06:00\"");
  return std::chrono::hours(*hour) + minutes(*minute);
}

TimeZone read_zone(const Yaml& entry) {
  const auto name = entry.optional("timezone");
  if (!name) return {};
  try {
    return TimeZone::load(name->string());
  } catch (const Error& error) {
    name->fail(error.what());
  }
}

}  // namespace

Requirements::Requirements(const Yaml& deployment) {
  const auto list = deployment.optional("deadlines");
  if (!list) return;
  for (const auto& entry : list->items()) rules_.push_back(read_rule(entry));
}

Requirements::Rule Requirements::read_rule(const Yaml& entry) {
  Rule rule{
      entry.required("dag_id").string(), Filter(entry, "dag_id", {}, Filter::Match::whole), {}, {}};
  const auto done_by = entry.optional("done_by"), max_age = entry.optional("max_age");
  if (done_by.has_value() == max_age.has_value()) entry.fail("expected either done_by or max_age");
  if (done_by) {
    rule.done_by = read_done_by(entry, *done_by);
    return rule;
  }
  rule.max_age = max_age->duration();
  if (rule.max_age < minutes(1)) max_age->fail("expected a duration of at least 1m");
  return rule;
}

Requirements::DoneBy Requirements::read_done_by(const Yaml& entry, const Yaml& done_by) {
  DoneBy read;
  read.zone = read_zone(entry);
  read.by = read_time_of_day(done_by);
  if (const auto since = entry.optional("since")) read.since = read_time_of_day(*since);
  const auto of_week = entry.optional("days");
  if (!of_week) {
    std::ranges::fill(read.counts, true);
    return read;
  }
  for (const auto& day : of_week->items()) {
    const auto found = std::ranges::find(kDays, day.string());
    if (found == kDays.end()) day.fail("expected one of sun, mon, tue, wed, thu, fri, sat");
    read.counts[found - kDays.begin()] = true;
  }
  if (of_week->is_empty()) of_week->fail("expected at least one day");
  return read;
}

/// A local time that occurs twice, when clocks go back, has passed after its second occurrence.
std::optional<Time> Requirements::DoneBy::required_since(Time now) const {
  const auto second = std::chrono::floor<std::chrono::seconds>(now);
  const std::chrono::local_seconds local((second + zone.offset_at(second)).time_since_epoch());
  const auto today = std::chrono::floor<days>(local);
  for (int back = 0; back <= 7; ++back) {
    const auto day = today - days(back);
    if (!counts[std::chrono::weekday(day).c_encoding()]) continue;
    if (zone.moment_of(day + by, TimeZone::Twice::last) > second) continue;
    const auto begins_on = since < by ? day : day - days(1);
    return zone.moment_of(begins_on + since, TimeZone::Twice::first);
  }
  return std::nullopt;
}

std::optional<Time> Requirements::Rule::required_since(Time now) const {
  if (done_by) return done_by->required_since(now);
  return std::chrono::floor<std::chrono::seconds>(now - max_age);
}

std::map<std::string, Time> Requirements::of(const DagList& list, Time now) const {
  std::map<std::string, Time> required;
  for (const auto& rule : rules_) {
    const auto since = rule.required_since(now);
    if (!since) continue;
    for (const auto& [id, dag] : list.dags) {
      if (dag.is_paused || !dag.is_in_file() || !rule.dags.passes(id)) continue;
      auto& strictest = required.try_emplace(id, *since).first->second;
      strictest = std::max(strictest, *since);
    }
  }
  return required;
}

std::vector<std::string> Requirements::unmatched(const DagView& view) const {
  std::vector<std::string> expressions;
  for (const auto& rule : rules_) {
    const bool is_matched =
        view.list() != nullptr && std::ranges::any_of(view.list()->dags, [&](const auto& dag) {
          return rule.dags.passes(dag.first) && view.counts(dag.first);
        });
    if (!is_matched) expressions.push_back(rule.dag_id);
  }
  return expressions;
}

}  // namespace exporter::airflow
