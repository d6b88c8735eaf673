#include "exporters/snowflake/spending.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/config/json.h"
#include "common/config/json_object.h"

namespace exporter::snowflake {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr MetricView kCounters[] = {kOwnResumes, kOwnSeconds, kOwnCredits};

constexpr seconds kLeastBilled{60};
constexpr std::string_view kKey = "spending";
constexpr std::int64_t kMostStretch = 10'000;
constexpr seconds kTimeToStore{10};

Spending::Time day_of(Spending::Time time) { return std::chrono::floor<days>(time); }

double count(Spending::Time time) { return static_cast<double>(time.time_since_epoch().count()); }

Spending::Time time_of(const Json& json) {
  return Spending::Time(seconds(static_cast<std::int64_t>(json.number())));
}

}  // namespace

double Spending::Wake::credits() const {
  return static_cast<double>((until - from).count()) * credits_per_second;
}

double Spending::Wake::credits_on(Time day) const {
  const auto begin = std::max(from, day), end = std::min<Time>(until, day + days(1));
  return end > begin ? static_cast<double>((end - begin).count()) * credits_per_second : 0;
}

Spending::Spending(std::string account, SharedLedger ledger, double credits_per_day)
    : account_(std::move(account)),
      ledger_(std::move(ledger)),
      cap_(credits_per_day),
      clock_(wall_clock) {}

Spending::Time Spending::wall_clock() {
  return std::chrono::floor<seconds>(std::chrono::system_clock::now());
}

Spending::Permit::~Permit() {
  if (spending_ != nullptr) spending_->leave();
}

Spending::Permit Spending::enter(const Price& price, seconds timeout, const Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  load(deadline);
  const auto now = clock_();
  settle(now);
  auto wake = state_.wake.value_or(Wake{now, now, 0});
  wake.credits_per_second = std::max(wake.credits_per_second, price.credits_per_hour / 3600);
  wake.until = std::max({wake.until, wake.from + kLeastBilled, now + timeout + price.auto_suspend});
  const auto today = day_of(now);
  const double cost = state_.spent + wake.credits_on(today);
  if (cap_ > 0 && cost > cap_) {
    const auto next = today + days(1);
    throw Error(Reason::rate_limited,
                "the day's credits are spent: " + std::to_string(cap_) +
                    " (credits_per_day); the next statement may run on " +
                    format_rfc3339(next).substr(0, 10),
                Clock::now() + (next - now));
  }
  if (!state_.wake) state_.reserved = wake.credits();
  state_.wake = wake;
  auto_suspend_ = std::max(running_ == 0 ? seconds() : auto_suspend_, price.auto_suspend);
  store(deadline);
  ++running_;
  return Permit(this);
}

/// What is left of the reservation is given back when the last statement has ended.
void Spending::leave() {
  const std::lock_guard lock(mutex_);
  if (--running_ > 0 || !state_.wake) return;
  auto& wake = *state_.wake;
  wake.until = std::min(wake.until, std::max(wake.from + kLeastBilled, clock_() + auto_suspend_));
  try {
    store(Deadline::in(kTimeToStore));
  } catch (const Error& error) {
    log::warn("what was spent is not stored", {{"account", account_}, {"error", error.what()}});
  }
}

std::int64_t Spending::stretch(seconds cycle, const Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  load(deadline);
  if (cap_ <= 0) return 1;
  const auto now = clock_();
  settle(now);
  const auto today = day_of(now);
  const double left = cap_ - state_.spent - (state_.wake ? state_.wake->credits_on(today) : 0);
  const double cost = state_.last_cost;
  if (cost <= 0) return 1;
  const double cycles_left = static_cast<double>((today + days(1) - now) / cycle);
  const double affordable = std::floor((left - state_.reserved) / cost + 1);
  if (affordable < 1) return kMostStretch;
  return std::clamp(static_cast<std::int64_t>(std::ceil(cycles_left / affordable)), std::int64_t{1},
                    kMostStretch);
}

void Spending::add_to(Samples& samples, const Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  load(deadline);
  const auto now = clock_();
  settle(now);
  if (!ended_.empty()) store(deadline);
  const auto today = day_of(now);
  const double current = state_.wake ? state_.wake->credits_on(today) : 0;
  samples.add(kOwnToday, state_.spent + current, account_);
  samples.add(kOwnCap, cap_ > 0 ? cap_ : std::numeric_limits<double>::infinity(), account_);
  for (const auto& metric : kCounters) {
    ledger_->add_to(samples, metric);
  }
}

/// A wake whose end has passed has ended. A new day has spent nothing.
void Spending::settle(Time now) {
  const auto today = day_of(now);
  if (today > state_.day) {
    state_.day = today;
    state_.spent = 0;
  }
  if (!state_.wake || running_ > 0 || state_.wake->until > now) return;
  const auto ended = *std::exchange(state_.wake, std::nullopt);
  state_.spent += ended.credits_on(today);
  state_.last_cost = ended.credits();
  ended_.push_back(ended);
}

/// A wake of before a restart stands as it was reserved.
void Spending::load(const Deadline& deadline) {
  if (is_loaded_) return;
  auto run = ledger_.begin(deadline);
  for (const auto& metric : kCounters) {
    run.ensure(metric, std::vector<std::string_view>{account_});
  }
  const auto text = run.metadata(kKey);
  run.commit();
  if (!text.empty()) {
    const auto json = Json::parse(text, "spending");
    state_.day = time_of(json.at("day"));
    state_.spent = json.at("spent").number();
    state_.last_cost = json.at("last_cost").number();
    state_.reserved = json.at("reserved").number();
    if (const auto wake = json.find("wake")) {
      state_.wake = Wake{time_of(wake->at("from")), time_of(wake->at("until")),
                         wake->at("credits_per_second").number()};
    }
  }
  is_loaded_ = true;
}

void Spending::store(const Deadline& deadline) {
  JsonObject json;
  json.add("day", count(state_.day));
  json.add("spent", state_.spent);
  json.add("last_cost", state_.last_cost);
  json.add("reserved", state_.reserved);
  if (state_.wake) {
    JsonObject wake;
    wake.add("from", count(state_.wake->from));
    wake.add("until", count(state_.wake->until));
    wake.add("credits_per_second", state_.wake->credits_per_second);
    json.add("wake", wake);
  }
  auto run = ledger_.begin(deadline);
  for (const auto& wake : ended_) {
    const auto id = std::to_string(wake.from.time_since_epoch().count());
    const Event event{id, wake.until};
    run.record(kOwnResumes, event, 1, account_);
    run.record(kOwnSeconds, event, static_cast<double>((wake.until - wake.from).count()), account_);
    run.record(kOwnCredits, event, wake.credits(), account_);
  }
  run.set_metadata(kKey, json.text());
  run.commit();
  ended_.clear();
}

}  // namespace exporter::snowflake
