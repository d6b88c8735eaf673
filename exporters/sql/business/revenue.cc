#include "common/base/error.h"
#include "exporters/sql/business/groups.h"
#include "exporters/sql/business/named_campaigns.h"

namespace exporter::sql::business {
namespace {

constexpr auto kOrderCount =
    counter("business_orders_total", "Orders.", "source", "currency", "campaign", "dataset");
constexpr auto kAmount =
    counter("business_order_amount_total", "Their amount, in the currency's major unit.", "source",
            "currency", "campaign", "dataset");
constexpr auto kRefundCount =
    counter("business_refunds_total", "Refunds.", "source", "currency", "dataset");
constexpr auto kRefundAmount =
    counter("business_refund_amount_total", "Their amount, in the currency's major unit.", "source",
            "currency", "dataset");
constexpr MetricView kMetrics[] = {kOrderCount, kAmount, kRefundCount, kRefundAmount};

constexpr std::size_t kMaxRows = 100'000;
constexpr std::chrono::hours kFullInterval(1);

/// A metric of the page as a configured one, so that its rows are counted in the same way.
template <std::size_t N>
std::unique_ptr<const MetricConfig> config_of(const Metric<N>& metric, std::string value,
                                              const std::string& dataset) {
  auto config = std::make_unique<MetricConfig>();
  config->kind = MetricConfig::Kind::counter;
  config->name = metric.name;
  config->help = metric.help;
  config->label_columns.assign(metric.labels.begin() + 1, metric.labels.end() - 1);
  config->fixed_labels.emplace_back(metric.labels.back(), dataset);
  if (value.empty()) config->constant = 1;
  config->value = std::move(value);
  config->labels.assign(metric.labels.begin(), metric.labels.end());
  return config;
}

constexpr Need kNeeds[] = {{kOrders}, {kOrders, "campaign"}, {kRefunds}};

constexpr const char *kOrderEvents = "business_orders", *kRefundEvents = "business_refunds";

EventsConfig events_config(const Config& config, const View& view) {
  return {.unit = {std::string(view.columns.front().name)},
          .when = std::string(view.time),
          .position = {},
          .overlap = config.overlap,
          .late = config.late,
          .past = config.past,
          .full_interval = kFullInterval,
          .has_until = true};
}

/// The collector that counts the rows of a view.
template <std::size_t N>
std::shared_ptr<const CollectorConfig> events_of(const Business& business, const char* name,
                                                 const Query& query, const View& view,
                                                 const Metric<N>& rows, const Metric<N>& amount) {
  const auto& config = business.config();
  MetricConfigs metrics;
  metrics.push_back(config_of(rows, "", config.dataset));
  metrics.push_back(config_of(amount, "amount", config.dataset));
  return std::make_shared<const CollectorConfig>(
      CollectorConfig{.name = name,
                      .schedule = OnScrape{},
                      .timeout = config.timeout,
                      .statement = {query.text, business.source()->database.dialect()},
                      .parameters = query.parameters,
                      .max_rows = kMaxRows,
                      .events = events_config(config, view),
                      .metrics = std::move(metrics)});
}

std::shared_ptr<const CollectorConfig> refund_events(const Business& business) {
  return events_of(business, kRefundEvents,
                   {"SELECT refund_id, refunded_at, amount, UPPER(currency) AS currency FROM "
                    "bm_refunds WHERE refunded_at >= :since AND refunded_at < :until"},
                   kRefunds, kRefundCount, kRefundAmount);
}

/// `campaign` is an expression with these parameters.
std::shared_ptr<const CollectorConfig> order_events(const Business& business,
                                                    const std::string& campaign,
                                                    Parameters parameters) {
  return events_of(
      business, kOrderEvents,
      {"SELECT order_id, ordered_at, amount, UPPER(currency) AS currency, " + campaign +
           " AS campaign FROM bm_orders WHERE ordered_at >= :since AND ordered_at < "
           ":until",
       std::move(parameters)},
      kOrders, kOrderCount, kAmount);
}

/// The campaigns that had orders.
Query campaigns_query(Time from) {
  return {
      "SELECT campaign, COUNT(*) AS orders FROM bm_orders WHERE ordered_at >= :from GROUP BY "
      "campaign",
      {{"from", from}}};
}

std::vector<Query> plan(const Business& business) {
  const auto& config = business.config();
  Parameters parameters;
  const auto campaign = NamedCampaigns(config.campaigns).expression(parameters);
  std::vector<Query> queries{campaigns_query(business.now() - config.overlap)};
  for (const auto& events :
       {order_events(business, campaign, std::move(parameters)), refund_events(business)}) {
    auto [source, database, text, note] = planned_query(*business.source(), *events);
    queries.push_back({std::move(text), {}, std::move(note)});
  }
  queries[1].note += "; each campaign that has a name is a WHEN";
  return queries;
}

class Revenue {
 public:
  explicit Revenue(Business& business)
      : business_(business), campaigns_(business.config().campaigns) {}

  void collect(Samples& samples, const Deadline& deadline) {
    try {
      prepare(deadline);
    } catch (const Error& error) {
      if (!orders_ && !refunds_) throw;
      samples.set_failure(error);  // counts stay on the page
    }
    if (orders_) orders_(samples, deadline);
    if (refunds_) refunds_(samples, deadline);
  }

 private:
  void prepare(const Deadline& deadline) {
    const auto found = business_.look(deadline);
    if (found->has(kOrders)) prepare_orders(found->has(kOrders, "campaign"), deadline);
    if (found->has(kRefunds) && !refunds_) {
      refunds_ = make_events(business_.source(), refund_events(business_));
    }
  }

  void prepare_orders(bool has_campaign, const Deadline& deadline) {
    const bool is_new = !orders_ || has_campaign != has_campaign_;
    const bool has_changed = has_campaign && name_campaigns(deadline);
    if (!is_new && !has_changed) return;
    Parameters parameters;
    const auto campaign = has_campaign ? campaigns_.expression(parameters) : std::string("''");
    orders_ =
        make_events(business_.source(), order_events(business_, campaign, std::move(parameters)));
    has_campaign_ = has_campaign;
  }

  /// Before orders are counted, so that no order counts as "other" needlessly.
  bool name_campaigns(const Deadline& deadline) {
    const auto now = business_.now();
    const auto& config = business_.config();
    const bool is_first = !orders_;
    const auto back = is_first ? std::max(config.past, config.late) : config.overlap;
    const auto table = business_.ask(campaigns_query(now - back), deadline);
    std::map<std::string, double> orders;
    for (const auto& row : rows_of(table)) orders[row.text("campaign")] += row.number("orders");
    auto run = open_orders().begin(deadline);
    auto campaigns = campaigns_;
    if (is_first) campaigns.load(run);
    const bool has_changed = campaigns.decide(orders, now, run);
    run.commit();
    campaigns_ = std::move(campaigns);
    return has_changed || is_first;
  }

  SharedLedger open_orders() const {
    const auto& source = *business_.source();
    return source.ledgers->open(std::string("events_") + kOrderEvents, source.name,
                                ledger_options(source, events_config(business_.config(), kOrders)));
  }

  Business& business_;
  NamedCampaigns campaigns_;
  CollectFunction orders_, refunds_;
  bool has_campaign_ = false;
};

}  // namespace

constinit const Group kRevenueGroup{
    "business_revenue", Group::Pace::configured, kMetrics, kNeeds, plan, make_group<Revenue>};

}  // namespace exporter::sql::business
