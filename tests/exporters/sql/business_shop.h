#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/sql/dialect.h"

/// A shop in Berlin with known figures, until Monday 2026-03-30 11:05 UTC, the day after clocks
/// went forward.
///
/// Each day 60 users sign up from 8:00 UTC on, one a minute, with a session an hour later; the
/// first 18 return the next day, 12 after 7 days, 6 after 30. The first 40 start an application
/// after 30 minutes, by app and web in turn; 20 submit it after 2 hours (five of them twice), five
/// after 30 hours, one after 24 hours, one a second earlier, and one has submitted before. Each day
/// an unknown user starts one. The sessions of the first 30 belong to the campaign spring, and
/// until 12 days ago those of five others to the campaign old.
///
/// From 9 to 12 local time there are 100 orders an hour, otherwise 20; one in five is of 12.50 USD,
/// the others of 10.00 EUR. On Mondays 9 and 16 March, of which the second is in the calendar,
/// there are three times as many. Every 12th is refunded a day later.
class BusinessShop {
 public:
  using Time = exporter::sql::Time;
  struct Order {
    std::int64_t id;
    Time when;
    std::int64_t cents;
    std::string currency, campaign;
  };

  BusinessShop();

  static Time now();
  const std::vector<Order>& orders() const { return orders_; }
  const std::vector<Order>& refunds() const { return refunds_; }

  /// Statements that create and fill the tables, with the names of the contract's views.
  std::string sql(exporter::sql::Dialect dialect) const;

 private:
  struct Table {
    std::string name, columns;
    std::vector<std::string> rows;
  };
  void add_users(int days_ago);
  void add_event(const std::string& user, const std::string& event, Time when,
                 const std::string& channel, const std::string& campaign = "");
  void add_orders();
  void add_mails(const std::string& campaign, int human, Time when);
  void add_email_event(std::int64_t message, const std::string& event, Time when,
                       const std::string& machine = "0");
  void add_subscriptions();

  std::vector<Order> orders_, refunds_;
  std::int64_t events_ = 0, messages_ = 0, email_events_ = 0;
  Table users_, event_table_, sends_, email_table_, subscriptions_;
};
