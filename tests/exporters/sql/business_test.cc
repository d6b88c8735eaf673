#include <catch2/catch.hpp>
#include <map>

#include "tests/exporters/sql/business_world.h"

using namespace exporter;
using namespace exporter::sql;
using namespace exporter::sql::business;
using namespace std::chrono_literals;

namespace {

const std::string kShop = "source=\"shop\",dataset=\"shop\"";

/// The lines of these families, in the order of the page.
std::string of(const std::string& page, const std::string& family) {
  std::string lines;
  for (std::size_t at = 0; at < page.size();) {
    const auto end = page.find('\n', at) + 1;
    const auto line = page.substr(at, end - at);
    if (line.starts_with(family + "{")) lines += line.substr(family.size());
    at = end;
  }
  return lines;
}

/// The value of a series.
std::string value(const std::string& page, const std::string& family, const std::string& labels) {
  const auto series = family + "{" + kShop + (labels.empty() ? "" : ",") + labels + "} ";
  const auto at = page.find(series);
  if (at == std::string::npos) return "no " + series + "in\n" + page;
  return page.substr(at + series.size(), page.find('\n', at) - at - series.size());
}

std::string seconds_of(Time time) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

std::string eur(const std::string& page, const std::string& family, const std::string& period) {
  return value(page, family, "currency=\"EUR\",period=\"" + period + "\"");
}

}  // namespace

TEST_CASE("conversion counts who started, and of them who finished in time", "[shop]") {
  World world;
  const auto page = world.page(kFunnelsGroup);
  const auto figure = [&](const std::string& family, const std::string& channel,
                          const std::string& window) {
    return value(page, "business_funnel_" + family,
                 "funnel=\"application\",channel=\"" + channel + "\",campaign=\"\",window=\"" +
                     window + "\"");
  };
  for (const auto* channel : {"app", "web"}) {
    CHECK(figure("started_users", channel, "7d") == "140");
    CHECK(figure("started_users", channel, "1d") == "20");
    CHECK(value(page, "business_funnel_started_users_baseline",
                "funnel=\"application\",channel=\"" + std::string(channel) + "\",campaign=\"\"") ==
          "20");
  }
  // In the app, a user converted a second before the end of the period; on the web, one at its end.
  CHECK(figure("converted_users", "app", "7d") == "77");
  CHECK(figure("converted_users", "app", "1d") == "11");
  CHECK(figure("converted_users", "web", "7d") == "70");
  CHECK(figure("converted_users", "web", "1d") == "10");
  CHECK(value(page, "business_funnel_conversion_ratio_baseline",
              "funnel=\"application\",channel=\"app\",campaign=\"\"") == "0.55");
}

TEST_CASE("a funnel without a column counts each user once, and a longer time more of them",
          "[shop]") {
  World world;
  const std::string config =
      "business:\n  timezone: UTC\n  dataset: d\n  funnels:\n    a: {start: application_started, "
      "end: application_submitted, within: 48h}\n";
  const auto page = world.page(kFunnelsGroup, config);
  const std::string labels =
      "{source=\"shop\",dataset=\"d\",funnel=\"a\",channel=\"\",campaign=\"\"";
  CHECK_THAT(page,
             Catch::Contains("business_funnel_started_users" + labels + ",window=\"7d\"} 280\n"));
  CHECK_THAT(page,
             Catch::Contains("business_funnel_converted_users" + labels + ",window=\"7d\"} 189\n"));
}

TEST_CASE("mails count that are old enough, opens apart by who opens", "[shop]") {
  World world;
  const auto page = world.page(kEmailGroup);
  const auto figure = [&](const std::string& what, const std::string& campaign,
                          const std::string& by = "") {
    return value(page, "business_email_" + what + "_messages",
                 "campaign=\"" + campaign + "\"" + (by.empty() ? "" : ",by=\"" + by + "\""));
  };
  for (const auto* campaign : {"A", "B"}) {
    CHECK(figure("sent", campaign) == "1000");
    CHECK(figure("delivered", campaign) == "950");
    CHECK(figure("bounced", campaign) == "50");
    CHECK(figure("opened", campaign, "machine") == "380");
    CHECK(figure("opened", campaign, "unknown") == "3");
    CHECK(figure("complained", campaign) == "10");
    CHECK(figure("unsubscribed", campaign) == "5");
  }
  // The last mail was opened half a minute before the deadline.
  CHECK(figure("opened", "A", "human") == "191");
  CHECK(figure("opened", "B", "human") == "77");
  CHECK(figure("clicked", "A") == "47");
  CHECK(figure("clicked", "B") == "19");
  CHECK_THAT(page, !Catch::Contains("fresh"));
}

TEST_CASE("an order without a valid time costs itself", "[shop]") {
  if (World::is_elsewhere()) return;
  World world;
  const auto before = world.page(kSalesGroup);
  world.shop().execute(
      "INSERT INTO bm_orders VALUES (0, '0000-00-00 00:00:00', 1, 'EUR', NULL, NULL)");
  CHECK(world.page(kSalesGroup) == before);
}

TEST_CASE("two spellings of a campaign that are one to the database cost no other", "[shop]") {
  if (World::is_elsewhere()) return;
  World world;
  world.shop().execute(
      "DROP TABLE bm_email_sends; DELETE FROM bm_email_events;"
      "CREATE TABLE bm_email_sends (message_id bigint, campaign text COLLATE NOCASE, sent_at text);"
      "INSERT INTO bm_email_sends VALUES (1, 'Spring', '2026-03-25 10:00:00'),"
      " (2, 'spring', '2026-03-25 10:00:01'), (3, 'Fall', '2026-03-25 10:00:00'),"
      " (4, 'fall', '2026-03-25 10:00:01'), (5, 'plain', '2026-03-25 10:00:00');"
      "INSERT INTO bm_email_events VALUES (1, 2, 'delivered', '2026-03-25 10:01:00', NULL),"
      " (2, 2, 'clicked', '2026-03-25 10:02:00', NULL),"
      " (3, 3, 'delivered', '2026-03-25 10:01:00', NULL),"
      " (4, 3, 'clicked', '2026-03-25 10:02:00', NULL)");
  const auto page = world.page(kEmailGroup, "business: {timezone: UTC, campaigns: 10}\n");
  CHECK(value(page, "business_email_sent_messages", "campaign=\"plain\"") == "1");
}

TEST_CASE("campaigns beyond the limit are one", "[shop]") {
  World world;
  const auto page = world.page(kEmailGroup, "business: {timezone: UTC, campaigns: 1}\n");
  CHECK(of(page, "business_email_sent_messages") ==
        "{" + kShop + ",campaign=\"A\"} 1000\n{" + kShop + ",campaign=\"other\"} 1000\n");
}

TEST_CASE("campaigns have users, a baseline, and the time of the last event", "[shop]") {
  World world;
  const auto page = world.page(kCampaignsGroup);
  CHECK(value(page, "business_campaign_users", "campaign=\"spring\"") == "66");
  CHECK(value(page, "business_campaign_users", "campaign=\"old\"") == "0");
  // Two of the four Sundays are too early for users of 30 days before.
  CHECK(value(page, "business_campaign_users_baseline", "campaign=\"spring\"") == "63");
  const Time last = std::chrono::sys_days(2026y / 3 / 18) + 9h + 34min;
  CHECK(std::stod(value(page, "business_campaign_last_event_timestamp_seconds",
                        "campaign=\"old\"")) == std::stod(seconds_of(last)));
}

TEST_CASE("active users are those of whole local days", "[shop]") {
  World world;
  const auto page = world.page(kEngagementGroup);
  CHECK(value(page, "business_active_users", "window=\"1d\"") == "103");
  CHECK(value(page, "business_active_users", "window=\"7d\"") == "559");
  CHECK(value(page, "business_active_users", "window=\"28d\"") == "1837");
  CHECK(value(page, "business_active_users_baseline", "") == "100");
  const Time midnight = std::chrono::sys_days(2026y / 3 / 28) + 23h;
  CHECK(std::stod(value(page, "business_day_start_timestamp_seconds", "")) ==
        std::stod(seconds_of(midnight)));
}

TEST_CASE("retention counts who of a cohort came on the last local day", "[shop]") {
  World world;
  const auto page = world.page(kRetentionGroup);
  for (const auto& [day, retained] :
       std::map<std::string, std::string>{{"1", "18"}, {"7", "12"}, {"30", "6"}}) {
    CHECK(value(page, "business_retention_cohort_users", "day=\"" + day + "\"") == "60");
    // Users who finish an application on the next day are active on it, too.
    CHECK(value(page, "business_retention_retained_users", "day=\"" + day + "\"") ==
          (day == "1" ? "25" : retained));
  }
}

TEST_CASE("sales of an hour are compared with the same hour on the wall clock", "[shop]") {
  World world;
  // Between 12:00 and 13:00 in Berlin on the Monday after the change to summer time. The four weeks
  // before include a sale and a day with three times as many orders, one of which is in the
  // calendar.
  const auto local = world.page(kSalesGroup);
  CHECK(eur(local, "business_period_revenue", "hour") == "160");
  CHECK(eur(local, "business_period_revenue_baseline", "hour") == "160");
  CHECK(eur(local, "business_period_orders", "hour") == "16");
  CHECK(eur(local, "business_period_orders_baseline", "hour") == "16");
  CHECK(value(local, "business_period_revenue", "currency=\"USD\",period=\"hour\"") == "50");
  // In UTC, the hour has a fifth of the usual revenue.
  const auto utc = world.page(kSalesGroup, "business: {timezone: UTC}\n");
  CHECK(eur(utc, "business_period_revenue", "hour") == "160");
  CHECK(eur(utc, "business_period_revenue_baseline", "hour") == "800");
}

TEST_CASE("sales of a day are those of a local day, which may have 23 hours", "[shop]") {
  World world;
  const auto page = world.page(kSalesGroup);
  CHECK(eur(page, "business_period_revenue", "day") == "5600");
  CHECK(eur(page, "business_period_revenue_baseline", "day") == "5760");
  CHECK(eur(page, "business_period_orders", "day") == "560");
}

TEST_CASE("there is no baseline of fewer than three weeks, or on a day of the calendar", "[shop]") {
  World world;
  const auto hour = [](std::chrono::sys_days day) { return Time(day) + 12h; };
  const auto early = world.page(kSalesGroup, kBerlin, hour(2026y / 3 / 13));
  CHECK(eur(early, "business_period_orders", "hour") != "");
  CHECK_THAT(early, !Catch::Contains("_baseline"));
  const auto third = world.page(kSalesGroup, kBerlin, hour(2026y / 3 / 20));
  CHECK_THAT(third, Catch::Contains("business_period_orders_baseline"));
  const auto sale = world.page(kSalesGroup, kBerlin, hour(2026y / 3 / 16));
  CHECK(eur(sale, "business_period_orders", "hour") != "");
  CHECK(of(sale, "business_period_orders_baseline") == "");
}

TEST_CASE("a baseline goes on with the hours", "[shop]") {
  World world;
  const auto business = world.business();
  auto now = BusinessShop::now() - 3h;
  const auto collect = kSalesGroup.make(std::make_shared<Business>(
      business->source(), business->source()->business, [&now] { return now; }));
  // From 9:00 to 10:00 in Berlin, and from 12:00 to 13:00.
  CHECK(eur(Shop::page(collect), "business_period_revenue_baseline", "hour") == "800");
  now += 3h;
  CHECK(eur(Shop::page(collect), "business_period_revenue_baseline", "hour") == "160");
}

TEST_CASE("subscriptions are counted by what they bring in a month", "[shop]") {
  World world;
  const auto page = world.page(kSubscriptionsGroup);
  const auto figure = [&](const std::string& family, const std::string& currency) {
    return value(page, "business_" + family, "currency=\"" + currency + "\"");
  };
  CHECK(figure("subscriptions_active", "EUR") == "90");
  CHECK(figure("monthly_recurring_revenue", "EUR") == "1800");
  CHECK(figure("subscriptions_started", "EUR") == "5");
  CHECK(figure("subscriptions_started_monthly_revenue", "EUR") == "100");
  CHECK(figure("subscriptions_ended", "EUR") == "3");
  CHECK(figure("subscriptions_ended_monthly_revenue", "EUR") == "60");
  CHECK(figure("subscriptions_active", "USD") == "10");
  CHECK(figure("monthly_recurring_revenue", "USD") == "55");
  CHECK(figure("subscriptions_ended", "USD") == "0");
}

TEST_CASE("what is late is said by view", "[shop]") {
  World world;
  const auto page = world.page(kDataGroup);
  const auto newest = std::stod(seconds_of(BusinessShop().orders().back().when));
  CHECK(std::stod(value(page, "business_data_newest_timestamp_seconds", "view=\"bm_orders\"")) ==
        newest);
  CHECK(std::stod(value(page, "business_data_loaded_timestamp_seconds", "view=\"bm_orders\"")) ==
        newest + 120);
  CHECK(value(page, "business_data_max_age_seconds", "") == "21600");
  CHECK_THAT(page, !Catch::Contains("business_data_loaded_timestamp_seconds{" + kShop +
                                    ",view=\"bm_refunds\"}"));
  CHECK(value(page, "business_view_present", "view=\"bm_users\"") == "1");
  // One order is of the year 2099.
  const auto sent = std::stod(seconds_of(BusinessShop::now() - 1h));
  CHECK(std::stod(value(page, "business_data_newest_timestamp_seconds",
                        "view=\"bm_email_sends\"")) == sent);
}
