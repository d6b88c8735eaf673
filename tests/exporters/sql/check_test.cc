#include <algorithm>
#include <catch2/catch.hpp>

#include "common/base/log.h"
#include "exporters/sql/reports.h"
#include "tests/exporters/sql/orders.h"
#include "tests/support/caught_log.h"

using namespace exporter;
using namespace exporter::sql;
using Catch::Contains;

namespace {

Deadline soon() { return Deadline::in(std::chrono::minutes(5)); }

/// The finding about a collector; a bad one if there is none.
Finding finding(const std::shared_ptr<Source>& source, std::string_view what) {
  const auto findings = check_source(*source, {}, soon());
  const auto found = std::ranges::find(findings, what, &Finding::what);
  return found == findings.end() ? Finding{"", "no finding", false} : *found;
}

}  // namespace

TEST_CASE("a check says of each collector what is missing") {
  Shop shop;
  make_orders(shop);
  shop.execute("CREATE TABLE bm_orders (order_id, ordered_at, amount, currency)");
  const auto source = shop.source(kQuality + kBusiness + kEvents);
  CHECK(finding(source, "quality").is_good);
  CHECK(finding(source, "business_revenue").is_good);
  CHECK_THAT(finding(source, "business_revenue").text,
             Contains("; without bm_orders.campaign, bm_refunds"));
  CHECK_THAT(finding(source, "business_email").text,
             Contains("0 statements, 0 samples; without bm_email_sends, bm_email_events"));
  CHECK_THAT(finding(source, "counted").text, Contains("1 row in "));
}

TEST_CASE("a check logs a view that is not there once") {
  Shop shop;
  const auto source = shop.source(kBusiness);
  const testing::CaughtLog log(shop.directory() / "log");
  check_source(*source, {}, soon());
  exporter::log::flush(std::chrono::seconds(60));
  CHECK(log.lines("view=bm_users").size() == 1);
}

TEST_CASE("a check fails for a view that lacks a column, a table and a column that are not there") {
  Shop shop;
  shop.execute("CREATE TABLE bm_events (user_id, event); CREATE TABLE orders (at TEXT)");
  const auto source = shop.source(kQuality + kBusiness + kEvents);
  const auto check = [&](std::string_view collector, const std::string& text) {
    const auto found = finding(source, collector);
    CHECK_FALSE(found.is_good);
    CHECK_THAT(found.text, Contains(text));
  };
  check("business_engagement", "bm_events lacks occurred_at");
  check("quality", "orders: not_null id: [SQLite]no such column: id");
  check("counted", "orders: [SQLite]no such column: id");
}

TEST_CASE("each check of a table that fails is a finding, which names it") {
  Shop shop;
  shop.execute("CREATE TABLE orders (id INTEGER)");
  const auto source = shop.source(
      "quality:\n  shop:\n    tables:\n      orders: {not_null: {id: 0, colour: 0}, key: [size]}\n"
      "      gone: {not_null: {a: 0}, key: [a], schema: watch}\n");
  std::vector<std::string> texts;
  for (const auto& finding : check_source(*source, {}, soon())) {
    if (finding.is_good) continue;
    CHECK(finding.what == "quality");
    texts.push_back(finding.text.substr(0, finding.text.find(" (")));
  }
  CHECK(texts == std::vector<std::string>{"orders: not_null colour: [SQLite]no such column: colour",
                                          "orders: key size: [SQLite]no such column: size",
                                          "gone: [SQLite]no such table: gone"});
}

TEST_CASE("a check fails for a view that is there and cannot be read") {
  Shop shop;
  shop.execute(
      "CREATE TABLE sales (a); CREATE VIEW bm_orders AS SELECT a AS order_id, a AS ordered_at, "
      "a AS amount, a AS currency FROM sales; DROP TABLE sales");
  const auto source = shop.source("business: {source: shop, timezone: UTC}\n");
  const testing::CaughtLog log(shop.directory() / "log");
  const auto found = finding(source, "business_revenue");
  CHECK_FALSE(found.is_good);
  CHECK_THAT(found.text, Contains("bm_orders cannot be read: [SQLite]no such table: main.sales"));
  exporter::log::flush(std::chrono::seconds(60));
  const auto levels = [&](const std::string& level, const std::string& view) {
    auto lines = log.lines("level=" + level);
    std::erase_if(lines, [&](const auto& line) { return line.find(view) == std::string::npos; });
    return lines.size();
  };
  CHECK(levels("warn", "view=bm_orders") == 1);
  CHECK(levels("info", "view=bm_users") == 1);
  // Its view does not exist, which is no error.
  CHECK(finding(source, "business_email").is_good);
}

TEST_CASE("a check fails for a funnel whose view or column is not there") {
  Shop shop;
  const auto source = shop.source(kBusiness);
  const auto check = [&](const std::string& text) {
    const auto found = finding(source, "business_funnels");
    CHECK_FALSE(found.is_good);
    CHECK(found.text == text);
  };
  check("funnel a cannot be had without bm_events");
  shop.execute("CREATE TABLE bm_events (user_id, event, occurred_at)");
  check("funnel a cannot be had without bm_events.channel");
  shop.execute("ALTER TABLE bm_events ADD channel");
  CHECK(finding(source, "business_funnels").is_good);
  CHECK(finding(shop.source("business: {source: shop, timezone: UTC}\n"), "business_funnels")
            .is_good);
}
