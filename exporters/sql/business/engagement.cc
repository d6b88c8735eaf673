#include "exporters/sql/business/baseline.h"
#include "exporters/sql/business/groups.h"

namespace exporter::sql::business {
namespace {

constexpr auto kActive = gauge(
    "business_active_users",
    "Users with an event on the last local day (1d), or in the 7 or 28 days that end with it.",
    "source", "dataset", "window");
constexpr auto kBaseline =
    gauge("business_active_users_baseline",
          "Median of the users with an event on the same weekday of the last four weeks.", "source",
          "dataset");
constexpr auto kDay = gauge(
    "business_day_start_timestamp_seconds",
    "Start of the last local day, to which these figures refer, since 1970.", "source", "dataset");
constexpr MetricView kMetrics[] = {kActive, kBaseline, kDay};

constexpr Need kNeeds[] = {{kEvents}, {kCalendar}};

Query users_query(const Period& period) {
  return {
      "SELECT COUNT(DISTINCT user_id) AS users FROM bm_events WHERE occurred_at >= :from AND "
      "occurred_at < :until",
      {{"from", period.begin}, {"until", period.end}}};
}

std::vector<Query> plan(const Business& business) {
  auto queries = baseline_queries(business, kEvents);
  queries.push_back(users_query(local_day(business.config().zone, business.now(), 1)));
  return queries;
}

class Engagement {
 public:
  explicit Engagement(Business& business)
      : business_(business), days_(business, kEvents, std::chrono::days(1)) {}

  void collect(Samples& samples, const Deadline& deadline) {
    if (!business_.look(deadline)->has(kEvents)) return;
    const auto& zone = business_.config().zone;
    const auto now = business_.now();
    const auto day = local_day(zone, now, 1);
    const auto& source = business_.name();
    const auto& dataset = business_.dataset();
    for (const auto& [window, days] : {std::pair{"1d", 1}, {"7d", 7}, {"28d", 28}}) {
      const auto begin = local_day(zone, now, days).begin;
      samples.add(kActive, users({begin, day.end}, deadline), source, dataset, window);
    }
    samples.add(kDay, std::chrono::duration<double>(day.begin.time_since_epoch()).count(), source,
                dataset);
    const auto& weeks = days_.of(
        day,
        [&](const Period& week) {
          return Figures{{{}, users(week, deadline)}};
        },
        deadline);
    for (const auto& [labels, value] : medians(weeks, Absent::is_zero)) {
      samples.add(kBaseline, value, source, dataset);
    }
  }

 private:
  double users(const Period& period, const Deadline& deadline) const {
    const auto table = business_.ask(users_query(period), deadline);
    return Row(table, 0).number("users");
  }

  Business& business_;
  WeeksBefore days_;
};

}  // namespace

constinit const Group kEngagementGroup{
    "business_engagement", Group::Pace::hourly, kMetrics, kNeeds, plan, make_group<Engagement>};

}  // namespace exporter::sql::business
