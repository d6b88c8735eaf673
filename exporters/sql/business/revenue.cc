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

/// A metric of the page as one of a configuration, so that rows are counted as those are.
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

class Revenue {
 public:
  explicit Revenue(Business& business)
      : business_(business), campaigns_(business.config().campaigns) {}

  void collect(Samples& samples, const Deadline& deadline) {
    try {
      prepare(deadline);
    } catch (const Error& error) {
      if (!orders_ && !refunds_) throw;
      samples.set_failure(error);  // what was counted stays on the page
    }
    if (orders_) orders_(samples, deadline);
    if (refunds_) refunds_(samples, deadline);
  }

 private:
  void prepare(const Deadline& deadline) {
    const auto found = business_.look(deadline);
    if (found->has(kOrders)) prepare_orders(found->has(kOrders, "campaign"), deadline);
    if (found->has(kRefunds) && !refunds_) {
      refunds_ = count(
          "business_refunds", "refund_id", "refunded_at",
          "SELECT refund_id, refunded_at, amount, UPPER(currency) AS currency FROM bm_refunds "
          "WHERE refunded_at >= :since AND refunded_at < :until",
          {}, kRefundCount, kRefundAmount);
    }
  }

  void prepare_orders(bool has_campaign, const Deadline& deadline) {
    const bool is_new = !orders_ || has_campaign != has_campaign_;
    const bool has_changed = has_campaign && name_campaigns(deadline);
    if (!is_new && !has_changed) return;
    Parameters parameters;
    const auto campaign = has_campaign ? campaigns_.expression(parameters) : std::string("''");
    orders_ =
        count("business_orders", "order_id", "ordered_at",
              "SELECT order_id, ordered_at, amount, UPPER(currency) AS currency, " + campaign +
                  " AS campaign FROM bm_orders WHERE ordered_at >= :since AND ordered_at < "
                  ":until",
              std::move(parameters), kOrderCount, kAmount);
    has_campaign_ = has_campaign;
  }

  /// Before the orders are counted, so that none is "other" that need not be.
  bool name_campaigns(const Deadline& deadline) {
    const auto now = business_.now();
    const auto& config = business_.config();
    const bool is_first = !orders_;
    const auto back = is_first ? std::max(config.past, config.late) : config.overlap;
    const auto table = business_.ask(
        "SELECT campaign, COUNT(*) AS orders FROM bm_orders WHERE ordered_at >= :from GROUP BY "
        "campaign",
        {{"from", now - back}}, deadline);
    std::map<std::string, double> orders;
    for (const auto& row : rows_of(table)) orders[row.text("campaign")] += row.number("orders");
    auto run = open("business_orders").begin(deadline);
    auto campaigns = campaigns_;
    if (is_first) campaigns.load(run);
    const bool has_changed = campaigns.decide(orders, now, run);
    run.commit();
    campaigns_ = std::move(campaigns);
    return has_changed || is_first;
  }

  SharedLedger open(const std::string& name) const {
    const auto& config = business_.config();
    return business_.source()->ledgers->open(
        "events_" + name, business_.name(),
        {.allowed_lateness = config.late + config.overlap, .past = config.past});
  }

  template <std::size_t N>
  CollectFunction count(const std::string& name, const std::string& unit, const std::string& when,
                        const std::string& query, Parameters parameters, const Metric<N>& rows,
                        const Metric<N>& amount) const {
    const auto& config = business_.config();
    MetricConfigs metrics;
    metrics.push_back(config_of(rows, "", config.dataset));
    metrics.push_back(config_of(amount, "amount", config.dataset));
    return make_events(business_.source(),
                       std::make_shared<const CollectorConfig>(CollectorConfig{
                           .name = name,
                           .schedule = OnScrape{},
                           .timeout = config.timeout,
                           .statement = {query, business_.source()->database.dialect()},
                           .parameters = std::move(parameters),
                           .max_rows = kMaxRows,
                           .events = EventsConfig{.unit = {unit},
                                                  .when = when,
                                                  .position = {},
                                                  .overlap = config.overlap,
                                                  .late = config.late,
                                                  .past = config.past,
                                                  .full_interval = kFullInterval,
                                                  .has_until = true},
                           .metrics = std::move(metrics)}),
                       config.past);
  }

  Business& business_;
  NamedCampaigns campaigns_;
  CollectFunction orders_, refunds_;
  bool has_campaign_ = false;
};

}  // namespace

constinit const Group kRevenueGroup{"business_revenue", Group::Pace::configured, kMetrics,
                                    make_group<Revenue>};

}  // namespace exporter::sql::business
