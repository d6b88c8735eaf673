#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporters/sql/business/business.h"
#include "exporters/sql/local_periods.h"

namespace exporter::sql::business {

/// Figures by label values.
using Labels = std::vector<std::string>;
using Figures = std::map<Labels, double>;

/// The figures of the same hour, or local day, of the last four weeks, as far as comparable: none
/// if the period itself is on a day of bm_calendar; without weeks whose period is on such a day,
/// before the view's first row, or in an hour that clocks skipped or repeated. Read again when the
/// period changes, and after an hour.
class WeeksBefore {
 public:
  /// `length` is the length of the periods: an hour or a day.
  WeeksBefore(Business& business, const View& view, std::chrono::hours length)
      : business_(business), view_(view), periods_{business.config().zone, length, {}} {}

  const std::vector<Figures>& of(const Period& period,
                                 const std::function<Figures(const Period&)>& measure,
                                 const Deadline& deadline);

 private:
  std::vector<Period> usable(const Period& period, const Deadline& deadline);
  std::set<std::chrono::local_days> left_out(std::chrono::local_days last,
                                             const Deadline& deadline) const;
  std::chrono::local_days day_of(const Period& period) const {
    return local_day_of(periods_.zone, period.begin);
  }

  Business& business_;
  const View& view_;
  const LocalPeriods periods_;
  std::optional<Time> first_row_;
  std::optional<Period> period_;
  Clock::time_point good_until_;
  std::vector<Figures> weeks_;
};

/// The queries that select other weeks, besides those for their figures.
std::vector<Query> baseline_queries(const Business& business, const View& view);

/// Whether a missing figure of a week counts as 0, or does not count.
enum class Absent : std::uint8_t { is_zero, says_nothing };

/// The median of each figure that is known for at least three weeks.
Figures medians(const std::vector<Figures>& weeks, Absent absent);

}  // namespace exporter::sql::business
