#include "exporters/sql/business/baseline.h"
#include "exporters/sql/business/groups.h"

namespace exporter::sql::business {
namespace {

constexpr auto kRevenue =
    gauge("business_period_revenue",
          "Amount of the orders of the last local hour or day, in the currency's major unit.",
          "source", "dataset", "currency", "period");
constexpr auto kRevenueBaseline =
    gauge("business_period_revenue_baseline",
          "Median of the same hour, or weekday, of the last four weeks.", "source", "dataset",
          "currency", "period");
constexpr auto kCount = gauge("business_period_orders", "Orders of the last local hour or day.",
                              "source", "dataset", "currency", "period");
constexpr auto kCountBaseline =
    gauge("business_period_orders_baseline",
          "Median of the same hour, or weekday, of the last four weeks.", "source", "dataset",
          "currency", "period");
constexpr MetricView kMetrics[] = {kRevenue, kRevenueBaseline, kCount, kCountBaseline};

constexpr Need kNeeds[] = {{kOrders}, {kCalendar}};

Query query_of(const Period& period) {
  return {
      "SELECT UPPER(currency) AS currency, COUNT(*) AS orders, SUM(amount) AS revenue FROM "
      "bm_orders WHERE ordered_at >= :from AND ordered_at < :until GROUP BY UPPER(currency)",
      {{"from", period.begin}, {"until", period.end}}};
}

std::vector<Query> plan(const Business& business) {
  auto queries = baseline_queries(business, kOrders);
  queries.push_back(query_of(local_day(business.config().zone, business.now(), 1)));
  return queries;
}

class Sales {
 public:
  explicit Sales(Business& business)
      : business_(business),
        hours_(business, kOrders, std::chrono::hours(1)),
        days_(business, kOrders, std::chrono::days(1)) {}

  void collect(Samples& samples, const Deadline& deadline) {
    if (!business_.look(deadline)->has(kOrders)) return;
    const auto& zone = business_.config().zone;
    const auto now = business_.now();
    add(samples, last_period({zone, std::chrono::hours(1), {}}, now), hours_, "hour", deadline);
    add(samples, local_day(zone, now, 1), days_, "day", deadline);
  }

 private:
  /// A currency with a baseline always has a value, 0 without orders.
  void add(Samples& samples, const Period& period, WeeksBefore& before, std::string_view length,
           const Deadline& deadline) {
    auto figures = ask(period, deadline);
    const auto& weeks = before.of(
        period, [&](const Period& week) { return ask(week, deadline); }, deadline);
    const auto baselines = medians(weeks, Absent::is_zero);
    for (const auto& [labels, value] : baselines) {
      figures.try_emplace(labels, 0);
      samples.add(labels[1] == "orders" ? kCountBaseline : kRevenueBaseline, value,
                  business_.name(), business_.dataset(), labels[0], length);
    }
    for (const auto& [labels, value] : figures) {
      samples.add(labels[1] == "orders" ? kCount : kRevenue, value, business_.name(),
                  business_.dataset(), labels[0], length);
    }
  }

  /// By currency and "orders" or "revenue".
  Figures ask(const Period& period, const Deadline& deadline) const {
    const auto table = business_.ask(query_of(period), deadline);
    Figures figures;
    for (const auto& row : rows_of(table)) {
      const auto currency = row.text("currency");
      figures[{currency, "orders"}] = row.number("orders");
      figures[{currency, "revenue"}] = row.number("revenue");
    }
    return figures;
  }

  Business& business_;
  WeeksBefore hours_, days_;
};

}  // namespace

constinit const Group kSalesGroup{"business_sales", Group::Pace::configured, kMetrics, kNeeds, plan,
                                  make_group<Sales>};

}  // namespace exporter::sql::business
