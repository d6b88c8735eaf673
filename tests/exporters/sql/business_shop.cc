#include "tests/exporters/sql/business_shop.h"

#include <array>

#include "common/base/time_zone.h"

using exporter::sql::Dialect;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

namespace {

using Time = BusinessShop::Time;

constexpr std::size_t kRowsOfInsert = 500;

/// A literal that is valid in every database.
std::string text(Time time) { return exporter::sql::literal(time, Dialect::sqlite); }
std::string quoted(const std::string& value) { return value.empty() ? "NULL" : "'" + value + "'"; }
std::string amount(std::int64_t cents) {
  return std::to_string(cents / 100) + "." + std::to_string(100 + cents % 100).substr(1);
}

std::string row(std::initializer_list<std::string> cells) {
  std::string result = "(";
  for (const auto& cell : cells) result += (result.size() == 1 ? "" : ", ") + cell;
  return result + ")";
}

std::string insert(const std::string& table, const std::vector<std::string>& rows) {
  std::string result;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    result += i % kRowsOfInsert == 0 ? "INSERT INTO " + table + " VALUES\n" : std::string(",\n");
    result += rows[i];
    if (i % kRowsOfInsert == kRowsOfInsert - 1 || i + 1 == rows.size()) result += ";\n";
  }
  return result;
}

std::string time_type(Dialect dialect) {
  if (dialect == Dialect::postgresql) return "timestamptz";
  return dialect == Dialect::sqlite ? "text" : "datetime(6)";
}

}  // namespace

BusinessShop::Time BusinessShop::now() {
  using namespace std::chrono_literals;
  return sys_days(2026y / 3 / 30) + hours(11) + minutes(5);
}

BusinessShop::BusinessShop()
    : users_{"bm_users", "user_id varchar(20), signed_up_at TIME", {}},
      event_table_{"bm_events",
                   "event_id bigint, user_id varchar(20), event varchar(40), occurred_at TIME, "
                   "loaded_at TIME, channel varchar(20), campaign varchar(20)",
                   {}},
      sends_{"bm_email_sends", "message_id bigint, campaign varchar(20), sent_at TIME", {}},
      email_table_{"bm_email_events",
                   "event_id bigint, message_id bigint, event varchar(20), occurred_at TIME, "
                   "machine integer",
                   {}},
      subscriptions_{"bm_subscriptions",
                     "subscription_id bigint, started_at TIME, ended_at TIME, monthly_amount "
                     "numeric(12,2), currency varchar(3)",
                     {}} {
  for (int ago = 45; ago >= 0; --ago) add_users(ago);
  add_orders();
  add_mails("A", 190, now() - days(4));
  add_mails("B", 76, now() - days(3));
  add_mails("fresh", 9, now() - hours(1));
  add_subscriptions();
  sends_.rows.push_back(row({"0", "'future'", "'2099-01-01 00:00:00'"}));
}

void BusinessShop::add_event(const std::string& user, const std::string& event, Time when,
                             const std::string& channel, const std::string& campaign) {
  if (when > now()) return;
  event_table_.rows.push_back(
      row({std::to_string(++events_), quoted(user), quoted(event), text(when),
           text(when + minutes(5)), quoted(channel), quoted(campaign)}));
}

void BusinessShop::add_users(int days_ago) {
  const auto day = std::chrono::floor<days>(now()) - days(days_ago);
  for (int i = 0; i < 60; ++i) {
    const auto user = std::to_string(days_ago) + "_" + std::to_string(i);
    const Time at = day + hours(8) + minutes(i);
    users_.rows.push_back(row({quoted(user), text(at)}));
    const std::string old = i < 35 && days_ago >= 12 ? "old" : "";
    const auto campaign = i < 30 ? std::string("spring") : old;
    for (const auto& [back, users] :
         std::array<std::pair<int, int>, 4>{{{0, 60}, {1, 18}, {7, 12}, {30, 6}}}) {
      if (i < users) add_event(user, "session_start", at + days(back) + hours(1), "web", campaign);
    }
    if (i >= 40) continue;
    const std::string channel = i % 2 == 0 ? "app" : "web";
    const auto start = at + minutes(30);
    add_event(user, "application_started", start, channel);
    auto took = seconds(hours(2));
    if (i >= 20) took = hours(30);
    if (i == 25) took = hours(24);
    if (i == 26) took = hours(24) - seconds(1);
    if (i <= 26) add_event(user, "application_submitted", start + took, channel);
    if (i < 5) add_event(user, "application_submitted", start + took + minutes(1), channel);
    if (i == 39) add_event(user, "application_submitted", start - minutes(10), channel);
    if (i == 39) add_event("", "application_started", start, channel);
  }
}

void BusinessShop::add_orders() {
  using namespace std::chrono_literals;
  const auto berlin = exporter::TimeZone::load("Europe/Berlin");
  std::int64_t id = 0;
  for (auto hour = std::chrono::floor<hours>(now() - days(36)); hour <= now(); hour += hours(1)) {
    const auto local = hour + berlin.offset_at(hour);
    const auto day = std::chrono::floor<days>(local);
    const auto of_day = local - day;
    int count = of_day >= 9h && of_day < 12h ? 100 : 20;
    if (day == sys_days(2026y / 3 / 9) || day == sys_days(2026y / 3 / 16)) count *= 3;
    for (int i = 0; i < count; ++i) {
      const Time when = hour + seconds(i * (3600 / count));
      if (when > now()) break;
      ++id;
      const bool is_usd = id % 5 == 0;
      const auto campaign = id % 7 == 0   ? std::string("spring")
                            : id % 7 == 1 ? "c" + std::to_string(id % 30)
                                          : std::string();
      orders_.push_back({id, when, is_usd ? 1250 : 1000, is_usd ? "USD" : "EUR", campaign});
      if (id % 12 != 0 || when + days(1) > now()) continue;
      refunds_.push_back({id, when + days(1), orders_.back().cents, orders_.back().currency, ""});
    }
  }
}

void BusinessShop::add_email_event(std::int64_t message, const std::string& event, Time when,
                                   const std::string& machine) {
  email_table_.rows.push_back(row({std::to_string(++email_events_), std::to_string(message),
                                   quoted(event), text(when), machine}));
}

/// 1000 emails, of which 950 are delivered a minute later; 380 are opened by machines at once, the
/// first `human` by people within the hour (some of them again), 28 more after the two days, one 30
/// seconds earlier; for three it is unknown who opened them.
void BusinessShop::add_mails(const std::string& campaign, int human, Time when) {
  const auto delivered = when + minutes(1);
  for (int i = 0; i < 1000; ++i) {
    const auto message = ++messages_;
    sends_.rows.push_back(row({std::to_string(message), quoted(campaign), text(when)}));
    if (i >= 950) {
      add_email_event(message, "bounced", delivered);
      continue;
    }
    add_email_event(message, "delivered", delivered);
    if (i < 380) add_email_event(message, "opened", delivered + seconds(5), "1");
    const int times = i < human ? 1 + i % 3 : 0;
    for (int k = 0; k < times; ++k) {
      add_email_event(message, "opened", when + minutes(20 + k));
    }
    if (i >= human && i < human + 28) add_email_event(message, "opened", when + hours(50));
    if (i == 900) add_email_event(message, "opened", delivered + hours(48) - seconds(30));
    if (i > 900 && i < 904) add_email_event(message, "opened", when + hours(1), "NULL");
    if (i < human / 4) add_email_event(message, "clicked", when + minutes(30));
    if (i % 100 == 7) add_email_event(message, "complained", when + minutes(40));
    if (i % 200 == 9) add_email_event(message, "unsubscribed", when + minutes(50));
  }
}

/// 100 of 20.00 EUR: 85 have been active for long, 5 started yesterday, 3 ended yesterday, 6
/// earlier, one starts in a month. 10 of 5.50 USD have been active for long.
void BusinessShop::add_subscriptions() {
  const auto yesterday = std::chrono::floor<days>(now()) - days(1) + hours(10);
  for (int i = 0; i < 110; ++i) {
    auto started = text(now() - days(100));
    std::string ended = "NULL";
    if (i >= 85 && i < 90) started = text(yesterday);
    if (i >= 90 && i < 93) ended = text(yesterday);
    if (i >= 93 && i < 99) ended = text(now() - days(20));
    if (i == 99) started = text(now() + days(30));
    subscriptions_.rows.push_back(row({std::to_string(i), started, ended,
                                       i < 100 ? "20.00" : "5.50", i < 100 ? "'eur'" : "'USD'"}));
  }
}

std::string BusinessShop::sql(Dialect dialect) const {
  Table orders{"bm_orders",
               "order_id bigint, ordered_at TIME, amount numeric(12,2), currency varchar(3), "
               "campaign varchar(20), loaded_at TIME",
               {}};
  for (const auto& order : orders_) {
    orders.rows.push_back(
        row({std::to_string(order.id), text(order.when), amount(order.cents),
             quoted(order.currency), quoted(order.campaign), text(order.when + minutes(2))}));
  }
  Table refunds{"bm_refunds",
                "refund_id bigint, refunded_at TIME, amount numeric(12,2), currency varchar(3)",
                {}};
  for (const auto& refund : refunds_) {
    refunds.rows.push_back(row({std::to_string(refund.id), text(refund.when), amount(refund.cents),
                                quoted(refund.currency)}));
  }
  Table calendar{"bm_calendar", "day date, kind varchar(20)", {"('2026-03-16', 'sale')"}};
  std::string result;
  if (dialect == Dialect::postgresql) result = "SET timezone = 'UTC';\n";
  const Table* const tables[] = {&users_, &event_table_, &orders,         &refunds,
                                 &sends_, &email_table_, &subscriptions_, &calendar};
  for (const auto* table : tables) {
    auto columns = table->columns;
    for (auto at = columns.find("TIME"); at != std::string::npos; at = columns.find("TIME")) {
      columns.replace(at, 4, time_type(dialect));
    }
    result += "CREATE TABLE " + table->name + " (" + columns + ");\n";
    result += insert(table->name, table->rows);
  }
  return result +
         "CREATE INDEX events_of_user ON bm_events (user_id, event);\n"
         "CREATE INDEX events_by_time ON bm_events (occurred_at);\n"
         "CREATE INDEX orders_by_time ON bm_orders (ordered_at);\n"
         "CREATE INDEX email_events_of_message ON bm_email_events (message_id);\n";
}
