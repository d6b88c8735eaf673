#include <array>

#include "common/base/error.h"
#include "exporters/sql/business/baseline.h"
#include "exporters/sql/business/groups.h"
#include "exporters/sql/business/largest.h"
#include "exporters/sql/business/within.h"

namespace exporter::sql::business {
namespace {

constexpr auto kStarted = gauge("business_funnel_started_users",
                                "Users who started and whose time to finish is over: within 7 days "
                                "(7d), or on the last local day (1d).",
                                "source", "dataset", "funnel", "channel", "campaign", "window");
constexpr auto kConverted = gauge(
    "business_funnel_converted_users",
    "Users of business_funnel_started_users who finished in time, each counted from their first "
    "start.",
    "source", "dataset", "funnel", "channel", "campaign", "window");
constexpr auto kStartedBaseline =
    gauge("business_funnel_started_users_baseline",
          "Median of the users who started on the same weekday of the last four weeks.", "source",
          "dataset", "funnel", "channel", "campaign");
constexpr auto kRatioBaseline =
    gauge("business_funnel_conversion_ratio_baseline",
          "Median of converted users over started ones on the same weekday of the last four weeks.",
          "source", "dataset", "funnel", "channel", "campaign");
constexpr MetricView kMetrics[] = {kStarted, kConverted, kStartedBaseline, kRatioBaseline};

constexpr std::chrono::days kWeek(7);

constexpr Need kNeeds[] = {{kEvents}, {kCalendar}};

Query query_of(const Funnel& funnel, const Period& period, const Within& within) {
  const auto part = funnel.by.empty() ? std::string("''") : funnel.by;
  Query query{
      within.statement(
          "starts AS (SELECT user_id, " + part +
              " AS part, occurred_at FROM bm_events WHERE event = :start AND occurred_at >= :from "
              "AND occurred_at < :until AND user_id IS NOT NULL), begins AS (SELECT user_id, part, "
              "MIN(occurred_at) AS begun FROM starts GROUP BY user_id, part), pairs AS (SELECT "
              "b.part AS part, b.begun AS begun, MIN(e.occurred_at) AS ended FROM begins b LEFT "
              "JOIN bm_events e ON e.user_id = b.user_id AND e.event = :end AND e.occurred_at >= "
              "b.begun AND e.occurred_at < :closed GROUP BY b.user_id, b.part, b.begun)",
          "pairs", "part"),
      {{"start", funnel.start},
       {"end", funnel.end},
       {"from", period.begin},
       {"until", period.end},
       {"closed", period.end + funnel.within}}};
  within.add_to(query.parameters);
  return query;
}

/// The two windows of a funnel. Both end where users have had enough time to convert.
std::array<Period, 2> periods_of(const Business& business, const Funnel& funnel) {
  const auto closed = business.now() - funnel.within;
  return {Period{closed - kWeek, closed}, local_day(business.config().zone, closed, 1)};
}

std::vector<Query> plan(const Business& business) {
  std::vector<Query> queries;
  for (const auto& funnel : business.config().funnels) {
    if (queries.empty()) queries = baseline_queries(business, kEvents);
    for (const auto& period : periods_of(business, funnel)) {
      queries.push_back(query_of(funnel, period, Within(period, funnel.within)));
    }
  }
  return queries;
}

/// Users by channel and campaign.
struct Users {
  Figures started, converted;
};

void require(const Business& business, const Found& found) {
  for (const auto& funnel : business.config().funnels) {
    std::vector<Need> needs{{kEvents}};
    if (!funnel.by.empty()) needs.push_back({kEvents, funnel.by});
    const auto missing = found.missing(needs);
    if (!missing.empty()) {
      throw Error(Reason::query, "funnel " + funnel.name + " cannot be had without " + missing);
    }
  }
}

class FunnelFigures {
 public:
  FunnelFigures(Business& business, const Funnel& funnel)
      : business_(business), funnel_(funnel), days_(business, kEvents, std::chrono::days(1)) {}

  void add_to(Samples& samples, const Deadline& deadline) {
    const auto [week, day] = periods_of(business_, funnel_);
    add(samples, ask(week, deadline), "7d");
    add(samples, ask(day, deadline), "1d");
    add_baselines(samples, day, deadline);
  }

 private:
  Users ask(const Period& period, const Deadline& deadline) const {
    const Within within(period, funnel_.within);
    const auto table = business_.ask(query_of(funnel_, period, within), deadline);
    std::map<std::string, double> started, converted;
    for (const auto& row : rows_of(table)) {
      const auto count = within.count(row);
      started[row.text("part")] += count.pairs;
      converted[row.text("part")] += count.in_time ? count.pairs : 0;
    }
    return labelled(started, converted);
  }

  Users labelled(const std::map<std::string, double>& started,
                 const std::map<std::string, double>& converted) const {
    const Largest largest(started, business_.config().campaigns);
    const bool is_campaign = funnel_.by == "campaign";
    Users users;
    for (const auto& [part, count] : started) {
      const auto& name = largest.shown(part);
      const Labels labels{is_campaign ? "" : name, is_campaign ? name : ""};
      users.started[labels] += count;
      users.converted[labels] += converted.at(part);
    }
    return users;
  }

  void add(Samples& samples, const Users& users, std::string_view window) const {
    for (const auto& [labels, started] : users.started) {
      samples.add(kStarted, started, business_.name(), business_.dataset(), funnel_.name, labels[0],
                  labels[1], window);
      samples.add(kConverted, users.converted.at(labels), business_.name(), business_.dataset(),
                  funnel_.name, labels[0], labels[1], window);
    }
  }

  /// The figures of each week have a third label, which the metric does not have.
  void add_baselines(Samples& samples, const Period& day, const Deadline& deadline) {
    const auto& weeks = days_.of(
        day,
        [&](const Period& week) {
          Figures figures;
          const auto users = ask(week, deadline);
          for (const auto& [labels, started] : users.started) {
            figures[{labels[0], labels[1], "started"}] = started;
            figures[{labels[0], labels[1], "ratio"}] = users.converted.at(labels) / started;
          }
          return figures;
        },
        deadline);
    for (const auto& [labels, value] : medians(weeks, Absent::says_nothing)) {
      const bool is_ratio = labels[2] == "ratio";
      samples.add(is_ratio ? kRatioBaseline : kStartedBaseline, value, business_.name(),
                  business_.dataset(), funnel_.name, labels[0], labels[1]);
    }
  }

  Business& business_;
  const Funnel& funnel_;
  WeeksBefore days_;
};

class Funnels {
 public:
  explicit Funnels(Business& business) : business_(business) {
    for (const auto& funnel : business.config().funnels) funnels_.emplace_back(business, funnel);
  }

  void collect(Samples& samples, const Deadline& deadline) {
    const auto found = business_.look(deadline);
    for (auto& [funnel, figures] : funnels_) {
      const bool has_part = funnel->by.empty() || found->has(kEvents, funnel->by);
      if (found->has(kEvents) && has_part) figures.add_to(samples, deadline);
    }
  }

 private:
  struct Entry {
    Entry(Business& business, const Funnel& of) : funnel(&of), figures(business, of) {}
    const Funnel* funnel;
    FunnelFigures figures;
  };
  Business& business_;
  std::vector<Entry> funnels_;
};

}  // namespace

constinit const Group kFunnelsGroup{"business_funnels",
                                    Group::Pace::configured,
                                    kMetrics,
                                    kNeeds,
                                    plan,
                                    make_group<Funnels>,
                                    require};

}  // namespace exporter::sql::business
