#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/exporters/sql/business_world.h"
#include "tests/support/caught_log.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;
using namespace exporter::sql::business;
using exporter::testing::CaughtLog;

namespace {

std::string refused(const std::string& configuration) {
  return error_of(Reason::config, [&] { Shop().source("business: " + configuration + "\n"); });
}

/// The page of the collector that shows which views exist.
std::string views(const std::shared_ptr<Business>& business) {
  return Shop::page(kDataGroup.make(business));
}

std::string present(const std::string& view, int is) {
  return "business_view_present{source=\"shop\",dataset=\"shop\",view=\"" + view + "\"} " +
         std::to_string(is) + "\n";
}

}  // namespace

TEST_CASE("a mistake in the configuration of a business is said where it is") {
  CHECK_THAT(refused("{}"), Catch::Contains("timezone"));
  CHECK_THAT(refused("{timezone: Europe/Berlim}"),
             Catch::Contains("business.timezone: no time zone of this name"));
  CHECK_THAT(refused("{timezone: UTC, source: other}"),
             Catch::Contains("business.source: there is no source of this name"));
  CHECK_THAT(refused("{timezone: UTC, every: 10ms}"), Catch::Contains("business.every: too short"));
  CHECK_THAT(refused("{timezone: UTC, campaigns: 0}"), Catch::Contains("expected 1 to 200"));
  CHECK_THAT(refused("{timezone: UTC, overlap: 2h, late: 1h}"),
             Catch::Contains("late: expected at least the overlap"));
  CHECK_THAT(refused("{timezone: UTC, funnels: {a: {start: s}}}"), Catch::Contains("end"));
  CHECK_THAT(refused("{timezone: UTC, funnels: {a: {start: s, end: e, by: country}}}"),
             Catch::Contains("business.funnels.a.by: expected channel or campaign"));
  CHECK_THAT(refused("{timezone: UTC, funnel: {}}"), Catch::Contains("funnels"));
}

TEST_CASE("a business is of one source") {
  const auto read = [](const std::string& configuration, const std::string& source,
                       const std::vector<std::string>& sources) {
    return read_config(Yaml::parse(configuration, "test.yml"), source, sources);
  };
  CHECK(read("timezone: UTC", "shop", {"shop"})->dataset == "shop");
  const std::string of_shop = "timezone: UTC\nsource: shop\ndataset: sales";
  CHECK(read(of_shop, "shop", {"shop", "other"})->dataset == "sales");
  CHECK_FALSE(read(of_shop, "other", {"shop", "other"}));
  CHECK_THAT(error_of(Reason::config,
                      [&] {
                        read("timezone: UTC", "shop", {"shop", "other"});
                      }),
             Catch::Contains("source"));
}

TEST_CASE("without views there are no metrics, and no failure") {
  Shop shop;
  const auto source = shop.source(kBerlin);
  for (const auto& collector : kSources.describe(source)) {
    if (collector.name == "business_data") continue;
    INFO(collector.name);
    CHECK(Shop::page(collector.collect) == "");
  }
}

TEST_CASE("no two metrics are of one family") {
  Shop shop;
  std::set<std::string, std::less<>> families;
  for (const auto& collector : kSources.describe(shop.source(kBerlin))) {
    for (const auto& metric : collector.metrics) {
      auto name = metric.name;
      if (name.ends_with("_total")) name.remove_suffix(6);
      INFO(name);
      CHECK(families.insert(std::string(name)).second);
    }
  }
  CHECK(families.size() > 30);
}

TEST_CASE("a view that lacks a column is said once, and used when it has it") {
  Shop shop;
  shop.execute("CREATE TABLE bm_events (event_id, user_id, event)");
  const auto source = shop.source(kBerlin);
  const auto business = std::make_shared<Business>(source, source->business);
  CaughtLog log(shop.directory() / "log");
  for (int i = 0; i < 3; ++i) {
    const auto page = views(business);
    CHECK_THAT(page, Catch::Contains(present("bm_events", 0)) &&
                         Catch::Contains(present("bm_users", 0)) &&
                         Catch::Contains("business_view_missing_columns{source=\"shop\",dataset="
                                         "\"shop\",view=\"bm_events\"} 1\n") &&
                         !Catch::Contains("missing_columns{source=\"shop\",dataset=\"shop\",view="
                                          "\"bm_users\"}"));
    CHECK(Shop::page(kEngagementGroup.make(business)) == "");
  }
  CHECK(log.lines("lacks columns").size() == 1);
  CHECK_THAT(log.lines("lacks columns").at(0),
             Catch::Contains("view=bm_events") && Catch::Contains("columns=occurred_at"));
  CHECK(log.lines("view=bm_users").size() == 1);
}

TEST_CASE("a view that is made again is used again soon") {
  Shop shop;
  const auto source = shop.source(kBerlin);
  const auto business = std::make_shared<Business>(source, source->business);
  const auto make = [&] { shop.execute("CREATE TABLE bm_users (USER_ID, Signed_Up_At)"); };
  make();
  CHECK_THAT(views(business), Catch::Contains(present("bm_users", 1)));
  shop.execute("DROP TABLE bm_users");
  CHECK_THAT(views(business), Catch::Contains(present("bm_users", 0)));
  make();
  CHECK_THAT(views(business), Catch::Contains(present("bm_users", 1)));
}

TEST_CASE("a statement that fails has the views looked at again") {
  Shop shop;
  shop.execute("CREATE TABLE bm_users (user_id, signed_up_at)");
  const auto source = shop.source(kBerlin);
  const auto collect = Shop::collector(source, "business_data").collect;
  for (int i = 0; i < 2; ++i) {  // the second run finds no change
    CHECK_THAT(Shop::page(collect), Catch::Contains(present("bm_users", 1)));
  }
  shop.execute("ALTER TABLE bm_users RENAME COLUMN signed_up_at TO joined_at");
  CHECK_THAT(error_of(Reason::query, [&] { Shop::page(collect); }),
             Catch::Contains("signed_up_at"));
  CHECK_THAT(Shop::page(collect), Catch::Contains(present("bm_users", 0)));
}

TEST_CASE("a failure of the revenue has the views looked at again") {
  Shop shop;
  shop.execute("CREATE TABLE bm_orders (order_id, ordered_at, amount, currency)");
  const auto source = shop.source(kBerlin);
  const auto collectors = kSources.describe(source);
  const auto collect_of = [&](std::string_view name) {
    return std::ranges::find(collectors, name, &Collector::name)->collect;
  };
  const auto data = collect_of("business_data"), revenue = collect_of("business_revenue");
  Shop::page(data);
  Shop::page(revenue);
  shop.execute("DROP TABLE bm_orders");
  CHECK_THAT(error_of(Reason::query, [&] { Shop::page(revenue); }), Catch::Contains("bm_orders"));
  CHECK_THAT(Shop::page(data), Catch::Contains(present("bm_orders", 0)));
}

TEST_CASE("a database that cannot be asked has not lost its views") {
  Shop shop;
  const auto source = shop.source("business: {timezone: UTC}\n");
  const auto business = std::make_shared<Business>(source, source->business);
  std::filesystem::remove(shop.directory() / "shop.db");
  error_of(Reason::connect, [&] { business->look(Deadline::in(std::chrono::seconds(60))); });
}
