#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/base/single_flight.h"
#include "common/config/json.h"
#include "common/ledger/ledgers.h"
#include "common/metric/samples.h"

namespace exporter::snowflake {

inline constexpr auto kOwnResumes =
    counter("snowflake_own_resumes_total",
            "How often this exporter's statements resumed its warehouse.", "account");
inline constexpr auto kOwnSeconds =
    counter("snowflake_own_billed_seconds_total",
            "Time for which this exporter's statements kept its warehouse running, at least 60 s "
            "per resume: what Snowflake bills if nobody else uses the warehouse.",
            "account");
inline constexpr auto kOwnCredits =
    counter("snowflake_own_credits_total", "Credits for this time, by the size of the warehouse.",
            "account");
inline constexpr auto kOwnToday =
    gauge("snowflake_own_credits_today",
          "Credits spent on this day (UTC), including those that running statements may take.",
          "account");
inline constexpr auto kOwnCap =
    gauge("snowflake_own_credits_per_day_limit",
          "Credits that this exporter may spend per day; +Inf without a limit.", "account");
inline constexpr auto kOwnCycle =
    gauge("snowflake_own_cycle_seconds",
          "Minimum time between two resumes of the warehouse: the cycle, or a multiple of it if "
          "the day's credits would not last.",
          "account");
inline constexpr MetricView kOwnMetrics[] = {kOwnResumes, kOwnSeconds, kOwnCredits,
                                             kOwnToday,   kOwnCap,     kOwnCycle};

/// The cap is reached, and no statement was sent.
struct CreditsSpent : Error {
  using Error::Error;
};

/// The price of a running warehouse, and how long it keeps running when idle.
struct Price {
  double credits_per_hour = 1;
  std::chrono::seconds auto_suspend{60};
};

/// Tracks what the exporter spends on a warehouse that only it uses, and limits that per day (UTC).
/// Snowflake bills a warehouse from its resumption by a statement until it is suspended,
/// auto-suspend after the last statement, but at least 60 s for each resumption
/// (docs.snowflake.com, "Understanding compute cost").
///
/// A statement is admitted only if the cap would hold even if it used all of its time. That is
/// committed before it starts, so that neither a crash nor a hung statement spends more.
///
/// If the clock goes back, what was spent while it was ahead was spent on the day that it really
/// was, and a running wake that is ahead began just now. Thread-safe.
class Spending {
 public:
  using Time = std::chrono::sys_seconds;

  Spending(std::string account, SharedLedger ledger);

  /// Returns the instance for that ledger: after a reload, statements of the previous configuration
  /// may still be running. The cap is that of each caller, because a configuration may be refused.
  static std::shared_ptr<Spending> of(const std::string& account, const SharedLedger& ledger);

  /// An admitted statement. Destroying this ends it if note_end() was called; otherwise it counts
  /// as running for its maximum time.
  class Permit {
   public:
    Permit(Permit&& other) noexcept
        : spending_(std::exchange(other.spending_, nullptr)),
          until_(other.until_),
          has_ended_(other.has_ended_) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit();

    void note_end() { has_ended_ = true; }

   private:
    friend class Spending;
    Permit(Spending* spending, Time until) : spending_(spending), until_(until) {}
    Spending* spending_;
    Time until_;  ///< the latest time at which the warehouse is suspended
    bool has_ended_ = false;
  };

  /// Admits a statement that ends within `timeout` under all circumstances. Throws CreditsSpent if
  /// it could cost more than the rest of the day's `cap` (in credits; 0: none); its not_before is
  /// the next day. Throws what Ledger::begin() does, and then nothing is reserved.
  Permit enter(double cap, const Price& price, std::chrono::seconds timeout,
               const Deadline& deadline);

  /// The factor by which the time between two resumptions must exceed `cycle`, so that the rest of
  /// the day's `cap` lasts if each costs as much as the last one.
  std::int64_t stretch(double cap, std::chrono::seconds cycle, const Deadline& deadline);

  /// Adds the credits spent in total and today, and the cap.
  void add_to(double cap, Samples& samples, const Deadline& deadline);

  static Time wall_clock();
  Time now() const { return clock_(); }
  void set_clock(Time (*clock)()) { clock_ = clock; }

 private:
  /// The time from a resumption of the warehouse to its suspension, as far as known.
  struct Wake {
    Time from{}, until{};
    double credits_per_second = 0;
    std::int64_t number = 0;  ///< of all resumptions; 0 if an older version began it

    double credits() const;
    double credits_on(Time day) const;
  };
  struct State {
    Time day{};         ///< the start of the day of `spent`
    double spent = 0;   ///< credits of its finished wakes
    Time day_before{};  ///< the same of the last day before
    double spent_before = 0;
    std::int64_t resumes = 0;
    double last_cost = 0;  ///< credits of the last of them
    double reserved = 0;   ///< credits to be left for the first statement of a wake
    /// The current ones: several if each is suspended before its minimum of a minute ends.
    std::vector<Wake> wakes = {};

    double current_on(Time day) const;  ///< credits of these
  };

  /// What a statement may use, and what was there before.
  struct Reservation {
    Time until;
    bool is_resumed;
    Time until_before;
  };

  void load(const Deadline& deadline);
  SingleFlight::Flight turn_to_store(const Deadline& deadline);
  void store(const Deadline& deadline);
  Reservation reserve(double cap, const Price& price, std::chrono::seconds timeout);
  void cancel(const Reservation& reservation);
  void check_cap(double cap, const State& next, Time now) const;
  bool settle_and_add_to(double cap, Samples& samples);
  static std::string id_of(const Wake& wake);
  static std::string text_of(const State& state);
  static State state_of(const Json& json);
  bool is_awake(Time now) const;
  void settle(Time now);
  void begin_day(Time today);
  void go_back_to(Time now);
  void leave(std::optional<Time> until);
  bool end_statement(std::optional<Time> until);

  const std::string account_;
  const SharedLedger ledger_;
  Time (*clock_)();
  SingleFlight storing_;  ///< in the ledger, which may take long
  std::mutex mutex_;      ///< of what follows
  bool is_loaded_ = false;
  State state_;
  std::vector<Wake> ended_;  ///< wakes that are not yet in the ledger
  int running_ = 0;
  Time unknown_until_{};                 ///< when statements with an unknown end have ended
  Time awake_until_{};                   ///< the warehouse certainly runs until then
  std::chrono::seconds auto_suspend_{};  ///< of the running statements
};

}  // namespace exporter::snowflake
