#include "exporters/sql/business/groups.h"
#include "exporters/sql/local_periods.h"

namespace exporter::sql::business {
namespace {

constexpr auto kCohort = gauge("business_retention_cohort_users",
                               "Users who signed up this many local days before the last one.",
                               "source", "dataset", "day");
constexpr auto kRetained =
    gauge("business_retention_retained_users", "Those of them with an event on the last local day.",
          "source", "dataset", "day");
constexpr MetricView kMetrics[] = {kCohort, kRetained};

constexpr int kDays[] = {1, 7, 30};

constexpr Need kNeeds[] = {{kUsers}, {kEvents}};

Query query_of(const Business& business, int days) {
  const auto& zone = business.config().zone;
  const auto active = local_day(zone, business.now(), 1);
  const auto cohort = local_day(zone, business.now(), 1 + days);
  return {
      "WITH cohort AS (SELECT DISTINCT user_id FROM bm_users WHERE signed_up_at >= :from AND "
      "signed_up_at < :until), active AS (SELECT DISTINCT user_id FROM bm_events WHERE "
      "occurred_at >= :active_from AND occurred_at < :active_until) SELECT COUNT(c.user_id) AS "
      "users, COUNT(a.user_id) AS retained FROM cohort c LEFT JOIN active a ON a.user_id = "
      "c.user_id",
      {{"from", cohort.begin},
       {"until", cohort.end},
       {"active_from", active.begin},
       {"active_until", active.end}}};
}

std::vector<Query> plan(const Business& business) { return {query_of(business, kDays[0])}; }

void collect(const Business& business, int days, Samples& samples, const Deadline& deadline) {
  const auto table = business.ask(query_of(business, days), deadline);
  const Row row(table, 0);
  const auto day = std::to_string(days);
  samples.add(kCohort, row.number("users"), business.name(), business.dataset(), day);
  samples.add(kRetained, row.number("retained"), business.name(), business.dataset(), day);
}

CollectFunction make(const std::shared_ptr<Business>& business) {
  return [business](Samples& samples, const Deadline& deadline) {
    const auto found = business->look(deadline);
    if (!found->has(kUsers) || !found->has(kEvents)) return;
    for (const auto days : kDays) collect(*business, days, samples, deadline);
  };
}

}  // namespace

constinit const Group kRetentionGroup{
    "business_retention", Group::Pace::hourly, kMetrics, kNeeds, plan, make};

}  // namespace exporter::sql::business
