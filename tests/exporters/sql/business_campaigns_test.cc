#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "exporters/sql/business/largest.h"
#include "exporters/sql/business/named_campaigns.h"
#include "tests/exporters/sql/business_world.h"

using namespace exporter;
using namespace exporter::sql;
using namespace exporter::sql::business;
using namespace std::chrono_literals;

namespace {

/// The counters of a page by their series.
std::map<std::string, double> counters(const std::string& page) {
  std::map<std::string, double> result;
  for (std::size_t at = 0; at < page.size();) {
    const auto end = page.find('\n', at), blank = page.rfind(' ', end);
    result[page.substr(at, blank - at)] = std::stod(page.substr(blank));
    at = end + 1;
  }
  return result;
}

std::string series(const std::string& metric, const std::string& labels) {
  return "business_" + metric + "{source=\"shop\"," + labels + ",dataset=\"shop\"}";
}

/// The expected sums, from the rows as they were written.
std::map<std::string, double> truth(const BusinessShop& shop,
                                    const std::function<std::string(const std::string&)>& shown) {
  std::map<std::string, std::int64_t> cents;
  std::map<std::string, double> result;
  for (const auto& order : shop.orders()) {
    const auto labels =
        "currency=\"" + order.currency + "\",campaign=\"" + shown(order.campaign) + "\"";
    result[series("orders_total", labels)] += 1;
    cents[series("order_amount_total", labels)] += order.cents;
  }
  for (const auto& refund : shop.refunds()) {
    const auto labels = "currency=\"" + refund.currency + "\"";
    result[series("refunds_total", labels)] += 1;
    cents[series("refund_amount_total", labels)] += refund.cents;
  }
  for (const auto& [name, sum] : cents) result[name] = double(sum) / 100;
  return result;
}

std::string small_config(int campaigns) {
  return "business: {timezone: UTC, past: 400d, late: 400d, campaigns: " +
         std::to_string(campaigns) + "}\n";
}

/// A database with orders of today, because the exporter's clock decides when a campaign gets a
/// name.
class SmallShop {
 public:
  SmallShop() {
    shop_.execute(
        "CREATE TABLE bm_orders (order_id, ordered_at, amount, currency, campaign, loaded_at)");
  }
  void order(int id, const std::string& campaign, std::chrono::minutes ago = 2min) {
    const auto when = literal(Ledger::wall_clock() - ago, Dialect::sqlite);
    shop_.execute("INSERT INTO bm_orders VALUES (" + std::to_string(id) + ", " + when +
                  ", 2.5, 'EUR', '" + campaign + "', NULL)");
  }
  Shop& shop() { return shop_; }
  CollectFunction start(int campaigns) {
    const auto source = shop_.source(small_config(campaigns));
    return kRevenueGroup.make(
        std::make_shared<Business>(source, source->business, [this] { return now; }));
  }
  static std::map<std::string, double> read(const CollectFunction& collect) {
    return counters(Shop::page(collect));
  }
  static std::string orders_of(const std::string& campaign) {
    return series("orders_total", "currency=\"EUR\",campaign=\"" + campaign + "\"");
  }

  Time now = Ledger::wall_clock();

 private:
  Shop shop_;
};

}  // namespace

TEST_CASE("orders and refunds are counted by currency and campaign to the last unit", "[shop]") {
  World world;
  const auto collect = kRevenueGroup.make(world.business());
  const BusinessShop shop;
  // spring has the most orders; of those with equally many, c1 and c10 are the first by name.
  std::map<std::string, int> orders;
  for (const auto& order : shop.orders()) ++orders[order.campaign];
  std::vector<std::pair<int, std::string>> largest;
  for (const auto& [name, count] : orders) {
    if (!name.empty()) largest.emplace_back(-count, name);
  }
  std::sort(largest.begin(), largest.end());
  const auto expected = truth(shop, [&](const std::string& campaign) {
    const bool is_named = campaign.empty() || campaign == largest[0].second ||
                          campaign == largest[1].second || campaign == largest[2].second;
    return is_named ? campaign : std::string("other");
  });
  for (int i = 0; i < 2; ++i) {
    const auto found = counters(Shop::page(collect));
    CHECK(found.size() == expected.size());
    for (const auto& [name, value] : expected) {
      INFO(name);
      REQUIRE(found.contains(name));
      CHECK(std::llround(found.at(name) * 100) == std::llround(value * 100));
    }
  }
}

TEST_CASE("a correction, a late order and one that is gone change the counters") {
  SmallShop small;
  for (int id = 1; id <= 4; ++id) small.order(id, "a");
  auto collect = small.start(5);
  CHECK(SmallShop::read(collect).at(SmallShop::orders_of("a")) == 4);
  small.shop().execute("UPDATE bm_orders SET amount = 7.5 WHERE order_id = 2");
  small.order(5, "a", 40min);
  small.shop().execute("DELETE FROM bm_orders WHERE order_id = 1");
  small.order(6, "a");
  small.order(7, "a");
  const auto found = SmallShop::read(collect);
  CHECK(found.at(SmallShop::orders_of("a")) == 6);
  CHECK(found.at(series("order_amount_total", "currency=\"EUR\",campaign=\"a\"")) == 20);
}

TEST_CASE("a campaign keeps its name, over a restart too") {
  SmallShop small;
  for (int id = 1; id <= 3; ++id) small.order(id, "a");
  for (int id = 4; id <= 5; ++id) small.order(id, "b");
  small.order(6, "c");
  {
    const auto found = SmallShop::read(small.start(2));
    CHECK(found.at(SmallShop::orders_of("a")) == 3);
    CHECK(found.at(SmallShop::orders_of("b")) == 2);
    CHECK(found.at(SmallShop::orders_of("other")) == 1);
  }
  // c becomes the largest campaign, but gets no name of its own.
  for (int id = 7; id <= 20; ++id) small.order(id, "c");
  const auto found = SmallShop::read(small.start(2));
  CHECK(found.at(SmallShop::orders_of("b")) == 2);
  CHECK(found.at(SmallShop::orders_of("other")) == 15);
  CHECK_FALSE(found.contains(SmallShop::orders_of("c")));
}

TEST_CASE("a new campaign has its name before its first order is counted") {
  SmallShop small;
  small.order(1, "a");
  auto collect = small.start(5);
  SmallShop::read(collect);
  small.order(2, "b");
  const auto found = SmallShop::read(collect);
  CHECK(found.at(SmallShop::orders_of("b")) == 1);
  CHECK_FALSE(found.contains(SmallShop::orders_of("other")));
}

TEST_CASE("a campaign that was named while the clock was ahead counts when that is right again") {
  Ledger ledger("business", "");
  const auto now = Ledger::wall_clock();
  const auto decide = [&](NamedCampaigns& campaigns, const std::string& name, Time at) {
    auto run = ledger.begin(Deadline::in(1min), {});
    campaigns.load(run);
    campaigns.decide({{name, 1}}, at, run);
    run.commit();
    Parameters parameters;
    campaigns.expression(parameters);
    return parameters;
  };
  NamedCampaigns campaigns(1);
  decide(campaigns, "a", now);
  decide(campaigns, "b", now);  // no room: names from now on have a start
  decide(campaigns, "b", now + 24h * 91);
  decide(campaigns, "b", now + 24h * 400);
  CHECK(std::get<Time>(decide(campaigns, "b", now).at("since1")) <= now);
  CHECK(std::get<std::string>(decide(campaigns, "c", now + 24h * 91).at("campaign1")) == "c");
}

TEST_CASE("a name that became free does not take orders that were counted as other") {
  SmallShop small;
  small.order(1, "a");
  small.order(2, "b");
  auto collect = small.start(1);
  CHECK(SmallShop::read(collect).at(SmallShop::orders_of("other")) == 1);
  small.shop().execute("DELETE FROM bm_orders WHERE order_id = 1");
  small.now += std::chrono::days(100);
  // The clock is ahead, so only the time of an order decides whether it is read.
  small.shop().execute("INSERT INTO bm_orders VALUES (3, " +
                       literal(small.now - 2min, Dialect::sqlite) + ", 2.5, 'EUR', 'b', NULL)");
  const auto found = SmallShop::read(collect);
  CHECK(found.at(SmallShop::orders_of("other")) >= 1);
  CHECK_FALSE(found.contains(SmallShop::orders_of("b")));
}

TEST_CASE("counters stay on the page while the view cannot be read") {
  SmallShop small;
  small.order(1, "a");
  auto collect = small.start(5);
  SmallShop::read(collect);
  small.shop().execute("ALTER TABLE bm_orders RENAME TO gone");
  Samples samples;
  collect(samples, Deadline::in(60s));
  CHECK(samples.failure());
  std::string page;
  samples.render(Format::text, page);
  CHECK_THAT(page, Catch::Contains(SmallShop::orders_of("a") + " 1\n"));
  small.shop().execute("ALTER TABLE gone RENAME TO bm_orders");
  small.order(2, "a");
  CHECK(SmallShop::read(collect).at(SmallShop::orders_of("a")) == 2);
}

TEST_CASE("counters stay on the page while the database cannot be asked which views it has") {
  SmallShop small;
  small.order(1, "a");
  auto collect = small.start(5);
  SmallShop::read(collect);
  small.shop().execute("BEGIN EXCLUSIVE");
  Samples samples;
  collect(samples, Deadline::in(1s));
  small.shop().execute("COMMIT");
  CHECK(samples.failure());
  std::string page;
  samples.render(Format::text, page);
  CHECK_THAT(page, Catch::Contains(SmallShop::orders_of("a") + " 1\n"));
}

TEST_CASE("the largest names are shown") {
  const Largest largest({{"a", 1}, {"b", 3}, {"c", 2}, {"d", 2}, {"", 9}}, 2);
  CHECK(largest.shown("b") == "b");
  CHECK(largest.shown("c") == "c");
  for (const auto* name : {"a", "d", "new"}) CHECK(largest.shown(name) == "other");
  CHECK(largest.shown("").empty());
}
