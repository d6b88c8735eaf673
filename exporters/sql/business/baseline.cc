#include "exporters/sql/business/baseline.h"

#include <algorithm>
#include <cstdio>

#include "common/sql/value.h"

namespace exporter::sql::business {
namespace {

constexpr int kWeeks = 4;
constexpr std::chrono::hours kGoodFor(1);

std::string date_of(std::chrono::local_days day) {
  const std::chrono::year_month_day date(day);
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", int(date.year()), unsigned(date.month()),
                unsigned(date.day()));
  return text;
}

Query calendar_query(std::chrono::local_days last) {
  const auto first = last - std::chrono::weeks(kWeeks);
  return {"SELECT day FROM bm_calendar WHERE day >= :from AND day <= :to",
          {{"from", date_of(first)}, {"to", date_of(last)}}};
}

Query first_row_query(const View& view) {
  return {"SELECT MIN(" + std::string(view.time) + ") AS first_row FROM " + std::string(view.name)};
}

}  // namespace

std::vector<Query> baseline_queries(const Business& business, const View& view) {
  const auto day = local_day_of(business.config().zone, business.now());
  return {calendar_query(day), first_row_query(view)};
}

std::set<std::chrono::local_days> WeeksBefore::left_out(std::chrono::local_days last,
                                                        const Deadline& deadline) const {
  std::set<std::chrono::local_days> days;
  if (!business_.look(deadline)->has(kCalendar)) return days;
  const auto table = business_.ask(calendar_query(last), deadline);
  for (const auto& row : rows_of(table)) {
    const auto day = row.time("day");
    if (!day) continue;
    days.insert(
        std::chrono::local_days(std::chrono::floor<std::chrono::days>(*day).time_since_epoch()));
  }
  return days;
}

std::vector<Period> WeeksBefore::usable(const Period& period, const Deadline& deadline) {
  const auto days = left_out(day_of(period), deadline);
  if (days.contains(day_of(period))) return {};
  std::vector<Period> periods;
  for (int weeks = 1; weeks <= kWeeks; ++weeks) {
    const auto before = weeks_before(periods_, period, weeks);
    if (before && !days.contains(day_of(*before))) periods.push_back(*before);
  }
  if (periods.empty()) return periods;
  if (!first_row_ || *first_row_ > periods.back().begin) {
    const auto table = business_.ask(first_row_query(view_), deadline);
    const auto first = Row(table, 0).text("first_row");
    first_row_ = first.empty() ? std::nullopt : std::optional(earliest_of(first));
  }
  std::erase_if(periods,
                [&](const Period& each) { return !first_row_ || *first_row_ > each.begin; });
  return periods;
}

const std::vector<Figures>& WeeksBefore::of(const Period& period,
                                            const std::function<Figures(const Period&)>& measure,
                                            const Deadline& deadline) {
  if (period_ == period && Clock::now() < good_until_) return weeks_;
  std::vector<Figures> weeks;
  for (const auto& week : usable(period, deadline)) weeks.push_back(measure(week));
  weeks_ = std::move(weeks);
  period_ = period;
  good_until_ = Clock::now() + kGoodFor;
  return weeks_;
}

Figures medians(const std::vector<Figures>& weeks, Absent absent) {
  std::map<Labels, std::vector<double>> values;
  for (const auto& week : weeks) {
    for (const auto& [labels, value] : week) values[labels].push_back(value);
  }
  Figures result;
  for (auto& [labels, list] : values) {
    if (absent == Absent::is_zero) list.resize(weeks.size());
    if (const auto middle = median(std::move(list))) result[labels] = *middle;
  }
  return result;
}

}  // namespace exporter::sql::business
