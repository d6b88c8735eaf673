#include "exporters/sql/business/baseline.h"
#include "exporters/sql/business/groups.h"
#include "exporters/sql/business/largest.h"

namespace exporter::sql::business {
namespace {

constexpr auto kCampaignUsers = gauge(
    "business_campaign_users",
    "Users with events of this campaign on the last local day; in other, users of each campaign.",
    "source", "dataset", "campaign");
constexpr auto kBaseline = gauge("business_campaign_users_baseline",
                                 "Median of these on the same weekday of the last four weeks.",
                                 "source", "dataset", "campaign");
constexpr auto kLast = gauge("business_campaign_last_event_timestamp_seconds",
                             "The newest event of this campaign within four weeks, since 1970.",
                             "source", "dataset", "campaign");
constexpr MetricView kMetrics[] = {kCampaignUsers, kBaseline, kLast};

constexpr Need kNeeds[] = {{kEvents}, {kEvents, "campaign"}, {kCalendar}};

constexpr std::chrono::days kFourWeeks(28);

Query newest_query(Time now) {
  return {
      "SELECT campaign, COUNT(*) AS events, MAX(occurred_at) AS newest FROM bm_events WHERE "
      "campaign IS NOT NULL AND occurred_at >= :from AND occurred_at < :now GROUP BY campaign",
      {{"from", now - kFourWeeks}, {"now", now}}};
}

Query users_query(const Period& day) {
  return {
      "SELECT campaign, COUNT(DISTINCT user_id) AS users FROM bm_events WHERE campaign IS NOT "
      "NULL AND occurred_at >= :from AND occurred_at < :until GROUP BY campaign",
      {{"from", day.begin}, {"until", day.end}}};
}

std::vector<Query> plan(const Business& business) {
  auto queries = baseline_queries(business, kEvents);
  queries.push_back(newest_query(business.now()));
  queries.push_back(users_query(local_day(business.config().zone, business.now(), 1)));
  return queries;
}

class Campaigns {
 public:
  explicit Campaigns(Business& business)
      : business_(business), days_(business, kEvents, std::chrono::days(1)) {}

  void collect(Samples& samples, const Deadline& deadline) {
    if (!business_.look(deadline)->has(kEvents, "campaign")) return;
    const auto now = business_.now();
    const auto day = local_day(business_.config().zone, now, 1);
    const auto table = business_.ask(newest_query(now), deadline);
    std::map<std::string, double> sizes;
    for (const auto& row : rows_of(table)) sizes[row.text("campaign")] = row.number("events");
    sizes.erase("");
    const Largest largest(sizes, business_.config().campaigns);
    std::map<std::string, Time> newest;
    for (const auto& row : rows_of(table)) {
      const auto time = row.time("newest");
      if (!time || row.text("campaign").empty()) continue;
      auto& last = newest[largest.shown(row.text("campaign"))];
      last = std::max(last, *time);
    }
    add(samples, newest, largest, day, deadline);
  }

 private:
  void add(Samples& samples, const std::map<std::string, Time>& newest, const Largest& largest,
           const Period& day, const Deadline& deadline) {
    std::map<std::string, double> users;
    for (const auto& [labels, count] : users_on(day, deadline)) {
      users[largest.shown(labels[0])] += count;
    }
    for (const auto& [name, last] : newest) {
      samples.add(kCampaignUsers, users[name], business_.name(), business_.dataset(), name);
      samples.add(kLast, std::chrono::duration<double>(last.time_since_epoch()).count(),
                  business_.name(), business_.dataset(), name);
    }
    const auto& weeks = days_.of(
        day, [&](const Period& week) { return users_on(week, deadline); }, deadline);
    for (const auto& [labels, value] : medians(weeks, Absent::says_nothing)) {
      if (largest.shown(labels[0]) != labels[0]) continue;
      samples.add(kBaseline, value, business_.name(), business_.dataset(), labels[0]);
    }
  }

  Figures users_on(const Period& day, const Deadline& deadline) const {
    const auto table = business_.ask(users_query(day), deadline);
    Figures users;
    for (const auto& row : rows_of(table)) {
      const auto campaign = row.text("campaign");
      if (!campaign.empty()) users[{campaign}] = row.number("users");
    }
    return users;
  }

  Business& business_;
  WeeksBefore days_;
};

}  // namespace

constinit const Group kCampaignsGroup{
    "business_campaigns", Group::Pace::hourly, kMetrics, kNeeds, plan, make_group<Campaigns>};

}  // namespace exporter::sql::business
