#include "exporters/snowflake/spending.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

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

constexpr seconds kLeastBilled{60}, kRounding{1};
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

double Spending::State::current_on(Time of) const {
  double credits = 0;
  for (const auto& wake : wakes) credits += wake.credits_on(of);
  return credits;
}

Spending::Spending(std::string account, SharedLedger ledger)
    : account_(std::move(account)), ledger_(std::move(ledger)), clock_(wall_clock) {}

std::shared_ptr<Spending> Spending::of(const std::string& account, const SharedLedger& ledger) {
  static std::mutex mutex;
  static std::map<const Ledger*, std::weak_ptr<Spending>> all;
  const std::lock_guard lock(mutex);
  std::erase_if(all, [](const auto& entry) { return entry.second.expired(); });
  auto& known = all[&*ledger];
  auto spending = known.lock();
  if (spending == nullptr) known = spending = std::make_shared<Spending>(account, ledger);
  return spending;
}

Spending::Time Spending::wall_clock() {
  return std::chrono::floor<seconds>(std::chrono::system_clock::now());
}

Spending::Permit::~Permit() {
  if (spending_ == nullptr) return;
  spending_->leave(has_ended_ ? std::nullopt : std::optional(until_));
}

/// The reservation counts before it is stored, so that others who ask meanwhile respect it.
Spending::Permit Spending::enter(double cap, const Price& price, seconds timeout,
                                 const Deadline& deadline) {
  load(deadline);
  const auto turn = turn_to_store(deadline);
  const auto reservation = reserve(cap, price, timeout);
  try {
    store(deadline);
  } catch (...) {
    cancel(reservation);
    throw;
  }
  return Permit(this, reservation.until);
}

Spending::Reservation Spending::reserve(double cap, const Price& price, seconds timeout) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_();
  settle(now);
  auto next = state_;
  const bool is_resumed = !is_awake(now);
  if (is_resumed) next.wakes.push_back({now, now, 0, ++next.resumes});
  auto& wake = next.wakes.back();
  const Reservation reservation{now + kRounding + timeout + price.auto_suspend, is_resumed,
                                wake.until};
  wake.credits_per_second = std::max(wake.credits_per_second, price.credits_per_hour / 3600);
  wake.until = std::max({wake.until, wake.from + kLeastBilled, reservation.until});
  check_cap(cap, next, now);
  if (is_resumed) next.reserved = wake.credits();
  state_ = std::move(next);
  auto_suspend_ = std::max(running_ == 0 ? seconds() : auto_suspend_, price.auto_suspend);
  ++running_;
  return reservation;
}

/// If other statements are running, the last of them determines when the wake ends.
void Spending::cancel(const Reservation& reservation) {
  const std::lock_guard lock(mutex_);
  if (--running_ > 0) return;
  if (reservation.is_resumed) {
    state_.wakes.pop_back();
  } else {
    state_.wakes.back().until = reservation.until_before;
  }
}

void Spending::check_cap(double cap, const State& next, Time now) const {
  const auto today = day_of(now), tomorrow = today + days(1);
  const double spent = state_.spent + state_.current_on(today);
  const double then = next.spent + next.current_on(today);
  if (cap <= 0 || then <= cap) return;
  throw CreditsSpent(Reason::rate_limited,
                     "the day's credits do not suffice for a statement: it may take " +
                         std::to_string(then - spent) + ", " + std::to_string(cap - spent) +
                         " of " + std::to_string(cap) +
                         " are left; the next statement may run on " +
                         format_rfc3339(tomorrow).substr(0, 10),
                     Clock::now() + (tomorrow - now));
}

/// If resuming costs more than the rest until the suspension, a warehouse that may be suspended
/// counts as suspended: Snowflake has seen the last statement end before this host did.
bool Spending::is_awake(Time now) const {
  if (state_.wakes.empty()) return false;
  const auto& wake = state_.wakes.back();
  return now == wake.from || now < (running_ > 0 ? wake.until : awake_until_);
}

void Spending::leave(std::optional<Time> until) {
  if (!end_statement(until)) return;
  try {
    const auto deadline = Deadline::in(kTimeToStore);
    const auto turn = turn_to_store(deadline);
    store(deadline);
  } catch (const Error& error) {
    log::warn("spent credits are not stored", {{"account", account_}, {"error", error.what()}});
  }
}

/// When the last statement has ended, the rest of the reservation is returned; none of it if the
/// end was noticed only after its time, or with a clock that went forward. Returns whether it was
/// the last one.
bool Spending::end_statement(std::optional<Time> until) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_();
  go_back_to(now);
  auto& wake = state_.wakes.back();
  if (until) unknown_until_ = std::max(unknown_until_, std::min(*until, wake.until));
  if (--running_ > 0) return false;
  if (now > wake.until) return true;
  wake.until =
      std::max({wake.from + kLeastBilled, now + kRounding + auto_suspend_, unknown_until_});
  awake_until_ = auto_suspend_ >= kLeastBilled ? wake.until : now + auto_suspend_ / 2;
  return true;
}

std::int64_t Spending::stretch(double cap, seconds cycle, const Deadline& deadline) {
  load(deadline);
  const std::lock_guard lock(mutex_);
  if (cap <= 0) return 1;
  const auto now = clock_();
  settle(now);
  const auto today = day_of(now);
  const double left = cap - state_.spent - state_.current_on(today);
  const double cost = state_.last_cost;
  if (cost <= 0) return 1;
  const double cycles_left = static_cast<double>((today + days(1) - now) / cycle);
  const double affordable = std::floor((left - state_.reserved) / cost + 1);
  if (affordable < 1) return kMostStretch;
  return std::clamp(static_cast<std::int64_t>(std::ceil(cycles_left / affordable)), std::int64_t{1},
                    kMostStretch);
}

void Spending::add_to(double cap, Samples& samples, const Deadline& deadline) {
  load(deadline);
  if (settle_and_add_to(cap, samples)) {
    const auto turn = turn_to_store(deadline);
    store(deadline);
  }
  for (const auto& metric : kCounters) {
    ledger_->add_to(samples, metric);
  }
}

/// Returns whether there is something that is not yet in the ledger.
bool Spending::settle_and_add_to(double cap, Samples& samples) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_();
  const auto before = text_of(state_);
  settle(now);
  const auto today = day_of(now);
  samples.add(kOwnToday, state_.spent + state_.current_on(today), account_);
  samples.add(kOwnCap, cap > 0 ? cap : std::numeric_limits<double>::infinity(), account_);
  return !ended_.empty() || text_of(state_) != before;
}

/// Ends wakes whose time is over, and resets the sum on a new day.
void Spending::settle(Time now) {
  go_back_to(now);
  const auto today = day_of(now);
  if (today != state_.day) begin_day(today);
  const auto is_under_way = [&](const Wake& wake) { return wake.until > now; };
  if (state_.wakes.empty() || running_ > 0 || std::ranges::any_of(state_.wakes, is_under_way)) {
    return;
  }
  state_.last_cost = 0;
  for (const auto& wake : state_.wakes) {
    state_.spent += wake.credits_on(today);
    state_.spent_before += wake.credits_on(state_.day_before);
    state_.last_cost += wake.credits();
  }
  ended_.insert(ended_.end(), state_.wakes.begin(), state_.wakes.end());
  state_.wakes.clear();
}

/// What was spent on a day that is not over yet, or was before, is spent on this day.
void Spending::begin_day(Time today) {
  const auto day = state_.day;
  const auto spent = state_.spent;
  state_.spent = today == state_.day_before ? state_.spent_before : 0;
  if (today < day) state_.spent += spent;
  state_.day = today;
  state_.day_before = day;
  state_.spent_before = spent;
}

/// A wake that is ahead began just now: the clock was ahead.
void Spending::go_back_to(Time now) {
  if (state_.wakes.empty()) return;
  const auto ahead = std::ranges::max(state_.wakes, {}, &Wake::from).from - now;
  if (ahead <= seconds(0)) return;
  for (auto& wake : state_.wakes) {
    if (wake.from <= now) continue;
    wake.from -= ahead;
    wake.until -= ahead;
  }
  unknown_until_ -= ahead;
  awake_until_ -= ahead;
}

SingleFlight::Flight Spending::turn_to_store(const Deadline& deadline) {
  return storing_.enter(deadline, "the cost of another statement is being stored");
}

/// A wake from before a restart keeps its reservation.
void Spending::load(const Deadline& deadline) {
  const auto is_loaded = [this] {
    const std::lock_guard lock(mutex_);
    return is_loaded_;
  };
  if (is_loaded()) return;
  const auto turn = turn_to_store(deadline);
  if (is_loaded()) return;
  auto run = ledger_.begin(deadline);
  for (const auto& metric : kCounters) {
    run.ensure(metric, std::vector<std::string_view>{account_});
  }
  const auto text = run.metadata(kKey);
  run.commit();
  const auto state = text.empty() ? State() : state_of(Json::parse(text, "spending"));
  const std::lock_guard lock(mutex_);
  state_ = state;
  for (const auto& wake : state_.wakes) unknown_until_ = std::max(unknown_until_, wake.until);
  is_loaded_ = true;
}

Spending::State Spending::state_of(const Json& json) {
  State state;
  state.day = time_of(json.at("day"));
  state.spent = json.at("spent").number();
  if (const auto day = json.find("day_before")) {  // a newer version wrote it
    state.day_before = time_of(*day);
    state.spent_before = json.at("spent_before").number();
  }
  if (const auto resumes = json.find("resumes")) state.resumes = resumes->integer();
  state.last_cost = json.at("last_cost").number();
  state.reserved = json.at("reserved").number();
  for (const auto& wake : json.at("wakes").items()) {
    const auto number = wake.find("number");
    state.wakes.push_back({time_of(wake.at("from")), time_of(wake.at("until")),
                           wake.at("credits_per_second").number(), number ? number->integer() : 0});
  }
  return state;
}

/// Not the time, which comes again when the clock goes back.
std::string Spending::id_of(const Wake& wake) {
  if (wake.number == 0) return std::to_string(wake.from.time_since_epoch().count());
  return "wake " + std::to_string(wake.number);
}

/// The caller has the turn.
void Spending::store(const Deadline& deadline) {
  auto run = ledger_.begin(deadline);
  std::unique_lock lock(mutex_);
  const auto text = text_of(state_);
  const auto ended = ended_;
  lock.unlock();
  for (const auto& wake : ended) {
    const auto id = id_of(wake);
    const Event event{id, wake.until};
    run.record(kOwnResumes, event, 1, account_);
    run.record(kOwnSeconds, event, static_cast<double>((wake.until - wake.from).count()), account_);
    run.record(kOwnCredits, event, wake.credits(), account_);
  }
  run.set_metadata(kKey, text);
  run.commit();
  lock.lock();
  ended_.erase(ended_.begin(), ended_.begin() + static_cast<std::ptrdiff_t>(ended.size()));
}

std::string Spending::text_of(const State& state) {
  JsonObject json;
  json.add("day", count(state.day));
  json.add("spent", state.spent);
  json.add("day_before", count(state.day_before));
  json.add("spent_before", state.spent_before);
  json.add("resumes", state.resumes);
  json.add("last_cost", state.last_cost);
  json.add("reserved", state.reserved);
  std::vector<JsonObject> wakes;
  for (const auto& wake : state.wakes) {
    auto& one = wakes.emplace_back();
    one.add("from", count(wake.from));
    one.add("until", count(wake.until));
    one.add("credits_per_second", wake.credits_per_second);
    one.add("number", wake.number);
  }
  json.add("wakes", wakes);
  return json.text();
}

}  // namespace exporter::snowflake
