#include "exporters/sql/business/groups.h"
#include "exporters/sql/local_periods.h"

namespace exporter::sql::business {
namespace {

constexpr auto kActive = gauge("business_subscriptions_active", "Active subscriptions.", "source",
                               "dataset", "currency");
constexpr auto kRecurring =
    gauge("business_monthly_recurring_revenue",
          "Their monthly revenue, in the currency's major unit.", "source", "dataset", "currency");
constexpr auto kStarted =
    gauge("business_subscriptions_started", "Subscriptions that started on the last local day.",
          "source", "dataset", "currency");
constexpr auto kStartedRevenue =
    gauge("business_subscriptions_started_monthly_revenue",
          "Their monthly revenue, in the currency's major unit.", "source", "dataset", "currency");
constexpr auto kEnded =
    gauge("business_subscriptions_ended", "Subscriptions that ended on the last local day.",
          "source", "dataset", "currency");
constexpr auto kEndedRevenue =
    gauge("business_subscriptions_ended_monthly_revenue",
          "Their monthly revenue, in the currency's major unit.", "source", "dataset", "currency");
constexpr Metric<3> kAll[] = {kActive,         kRecurring, kStarted,
                              kStartedRevenue, kEnded,     kEndedRevenue};
constexpr MetricView kMetrics[] = {kActive,         kRecurring, kStarted,
                                   kStartedRevenue, kEnded,     kEndedRevenue};
constexpr const char* kColumns[] = {"active",         "active_amount", "started",
                                    "started_amount", "ended",         "ended_amount"};

/// A currency whose subscriptions have all ended has zeros.
std::string statement() {
  const std::string active = "started_at <= :now AND (ended_at IS NULL OR ended_at > :now)";
  const std::string started = "started_at >= :from AND started_at < :until";
  const std::string ended = "ended_at >= :from AND ended_at < :until";
  std::string text = "SELECT UPPER(currency) AS currency";
  for (const auto& [name, condition] :
       {std::pair{"active", active}, {"started", started}, {"ended", ended}}) {
    text += ", COUNT(CASE WHEN " + condition + " THEN 1 END) AS " + name;
    text += ", SUM(CASE WHEN " + condition + " THEN monthly_amount END) AS " + name + "_amount";
  }
  return text + " FROM bm_subscriptions GROUP BY UPPER(currency)";
}

constexpr Need kNeeds[] = {{kSubscriptions}};

Query query_of(const Business& business) {
  const auto now = business.now();
  const auto day = local_day(business.config().zone, now, 1);
  return {statement(), {{"now", now}, {"from", day.begin}, {"until", day.end}}};
}

std::vector<Query> plan(const Business& business) { return {query_of(business)}; }

CollectFunction make(const std::shared_ptr<Business>& business) {
  return [business](Samples& samples, const Deadline& deadline) {
    if (!business->look(deadline)->has(kSubscriptions)) return;
    const auto table = business->ask(query_of(*business), deadline);
    for (const auto& row : rows_of(table)) {
      for (std::size_t i = 0; i < std::size(kAll); ++i) {
        samples.add(kAll[i], row.number(kColumns[i]), business->name(), business->dataset(),
                    row.text("currency"));
      }
    }
  };
}

}  // namespace

constinit const Group kSubscriptionsGroup{
    "business_subscriptions", Group::Pace::configured, kMetrics, kNeeds, plan, make};

}  // namespace exporter::sql::business
