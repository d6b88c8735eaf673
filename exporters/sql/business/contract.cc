#include "exporters/sql/business/contract.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/sql/failure.h"

namespace exporter::sql::business {
namespace {

using Is = Found::State::Is;

constexpr std::chrono::hours kAskedEvery(1);

constexpr Column kUserColumns[] = {{"user_id", true}, {"signed_up_at", true}, {"loaded_at", false}};
constexpr Column kEventColumns[] = {{"user_id", true},    {"event", true},    {"occurred_at", true},
                                    {"loaded_at", false}, {"channel", false}, {"campaign", false}};
constexpr Column kOrderColumns[] = {{"order_id", true}, {"ordered_at", true}, {"amount", true},
                                    {"currency", true}, {"campaign", false},  {"loaded_at", false}};
constexpr Column kRefundColumns[] = {{"refund_id", true},
                                     {"refunded_at", true},
                                     {"amount", true},
                                     {"currency", true},
                                     {"loaded_at", false}};
constexpr Column kEmailSendColumns[] = {
    {"message_id", true}, {"campaign", true}, {"sent_at", true}, {"loaded_at", false}};
constexpr Column kEmailEventColumns[] = {{"message_id", true},
                                         {"event", true},
                                         {"occurred_at", true},
                                         {"machine", false},
                                         {"loaded_at", false}};
constexpr Column kSubscriptionColumns[] = {{"subscription_id", true}, {"started_at", true},
                                           {"ended_at", true},        {"monthly_amount", true},
                                           {"currency", true},        {"loaded_at", false}};
constexpr Column kCalendarColumns[] = {{"day", true}};

/// Whether an error is about the statement, not about the connection.
bool is_refusal(const Error& error) { return error.reason() == Reason::query; }

/// The state of a view according to a rejection.
Is what_is(const View& view, const Error& error, Dialect dialect) {
  const auto* none = dynamic_cast<const NoSuchTable*>(&error);
  if (none == nullptr) return Is::refused;
  // SQLite reports the same for a table that a view reads.
  const bool is_named = std::string_view(error.what()).find(view.name) != std::string_view::npos;
  if (dialect == Dialect::sqlite && !is_named) return Is::refused;
  return none->is_certain ? Is::absent : Is::hidden;
}

}  // namespace

constinit const View kUsers{"bm_users", kUserColumns, "signed_up_at"},
    kEvents{"bm_events", kEventColumns, "occurred_at"},
    kOrders{"bm_orders", kOrderColumns, "ordered_at"},
    kRefunds{"bm_refunds", kRefundColumns, "refunded_at"},
    kEmailSends{"bm_email_sends", kEmailSendColumns, "sent_at"},
    kEmailEvents{"bm_email_events", kEmailEventColumns, "occurred_at"},
    kSubscriptions{"bm_subscriptions", kSubscriptionColumns, "started_at"},
    kCalendar{"bm_calendar", kCalendarColumns, ""};

constinit const std::array<const View*, 8> kViews{&kUsers,         &kEvents,     &kOrders,
                                                  &kRefunds,       &kEmailSends, &kEmailEvents,
                                                  &kSubscriptions, &kCalendar};

bool Found::has(const View& view) const {
  const auto& state = of(view);
  return state.is == Is::there && state.missing.empty();
}

bool Found::has(const View& view, std::string_view column) const {
  return has(view) && std::ranges::find(of(view).columns, column) != of(view).columns.end();
}

std::string Found::missing(std::span<const Need> needs) const {
  std::vector<std::string> names;
  for (const auto& need : needs) {
    const auto& state = of(need.view);
    const std::string name(need.view.name);
    if (!state.missing.empty()) {
      throw Error(Reason::query, name + " lacks " + joined(state.missing));
    }
    if (state.is == Is::refused) {
      throw Error(Reason::query, name + " cannot be read: " + state.problem);
    }
    if (need.column.empty() && state.is == Is::absent) names.push_back(name);
    if (need.column.empty() && state.is == Is::hidden) {
      names.push_back(name + " (missing, or no privilege to read it)");
    }
    if (need.column.empty() || !has(need.view) || has(need.view, need.column)) continue;
    names.push_back(name + "." + std::string(need.column));
  }
  return joined(names);
}

std::string columns_statement(const View& view) {
  return "SELECT * FROM " + std::string(view.name) + " WHERE 1=0";
}

std::shared_ptr<const Found> Contract::look(const Deadline& deadline) {
  const auto flight = asking_.enter(deadline, "another collector checks which views exist");
  const auto begun = Clock::now();
  if (found_ && begun < good_until_.load()) return found_;
  const auto now = std::make_shared<const Found>(ask(deadline));
  const bool is_as_before = found_ && *found_ == *now;
  log_changes(*now);
  good_until_ = is_as_before ? begun + kAskedEvery : begun;
  found_ = now;
  return found_;
}

void Contract::look_again() { good_until_ = Clock::time_point(); }

Found Contract::ask(const Deadline& deadline) const {
  Found found;
  for (const auto* view : kViews) found.states_[view->name] = ask(*view, deadline);
  return found;
}

Found::State Contract::ask(const View& view, const Deadline& deadline) const {
  const auto dialect = source_->database.dialect();
  Found::State state;
  try {
    const auto table =
        source_->database.query({columns_statement(view), dialect}, {}, {}, deadline);
    for (const auto& column : table.columns()) state.columns.push_back(to_lower(column));
  } catch (const Error& error) {
    if (!is_refusal(error)) throw;
    // A rejected login looks like a rejected view.
    source_->database.query({"SELECT 1 AS one", dialect}, {}, {}, deadline);
    state.is = what_is(view, error, dialect);
    state.problem = error.what();
    return state;
  }
  for (const auto& column : view.columns) {
    const bool is_there = std::ranges::find(state.columns, column.name) != state.columns.end();
    if (column.is_required && !is_there) state.missing.emplace_back(column.name);
  }
  return state;
}

void Contract::log_changes(const Found& now) const {
  for (const auto* view : kViews) {
    const auto& state = now.of(*view);
    if (found_ && found_->of(*view) == state) continue;
    if (!state.problem.empty()) {
      const auto level = state.is == Is::refused ? log::Level::warn : log::Level::info;
      log::write(level, "a business view cannot be read, metrics that need it are off",
                 {{"source", source_->name}, {"view", view->name}, {"error", state.problem}});
    } else if (!state.missing.empty()) {
      log::warn(
          "a business view lacks columns, metrics that need it are off",
          {{"source", source_->name}, {"view", view->name}, {"columns", joined(state.missing)}});
    }
  }
}

}  // namespace exporter::sql::business
