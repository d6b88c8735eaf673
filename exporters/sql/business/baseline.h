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

/// Figures by the values of their labels.
using Labels = std::vector<std::string>;
using Figures = std::map<Labels, double>;

/// The figures of the same hour, or local day, in the last four weeks, as far as these can be
/// compared: none when the period itself is on a day of bm_calendar, none of a week in which it
/// is, none of what began before the view's first row, and none of an hour that clocks left out or
/// repeated. Asked again when the period is another
/// one, and after an hour.
class WeeksBefore {
 public:
  /// `length` is that of the periods: an hour or a day.
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

/// What is asked for the figures of other weeks, besides those figures.
std::vector<Query> baseline_queries(const Business& business, const View& view);

/// Whether a week without a figure has 0 of it, or says nothing.
enum class Absent : std::uint8_t { is_zero, says_nothing };

/// The median of each figure that at least three weeks have.
Figures medians(const std::vector<Figures>& weeks, Absent absent);

}  // namespace exporter::sql::business
