#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/error.h"
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

/// The cap is reached: nothing was asked.
struct CreditsSpent : Error {
  using Error::Error;
};

/// What a warehouse costs while it runs, and how long it runs on.
struct Price {
  double credits_per_hour = 1;
  std::chrono::seconds auto_suspend{60};
};

/// What the exporter spends on a warehouse that it alone uses, and the most that it may on a day
/// (UTC). Snowflake bills a warehouse from when a statement resumes it until it is suspended, which
/// is its auto-suspend after the last statement, and 60 s at least, each time that it is resumed
/// (docs.snowflake.com, "Understanding compute cost").
///
/// A statement is let in only if the cap holds even though it takes all of its time, and that is on
/// the disk before it starts: neither a crash nor a statement that hangs spends more. Safe to use
/// from several threads.
class Spending {
 public:
  using Time = std::chrono::sys_seconds;

  /// A cap of zero: none.
  Spending(std::string account, SharedLedger ledger, double credits_per_day);

  /// The one of that ledger, with this cap from now on: after a reload, statements of the
  /// configuration before may still run.
  static std::shared_ptr<Spending> of(const std::string& account, const SharedLedger& ledger,
                                      double credits_per_day);

  /// A statement that was let in. Once this is destroyed it has ended if that was said, else it is
  /// taken to run as long as it may.
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
    Time until_;  ///< when the warehouse is suspended at the latest
    bool has_ended_ = false;
  };

  /// Lets in a statement that has ended after `timeout` whatever happens. Throws
  /// CreditsSpent where it could cost more than is left of the day's credits; its not_before
  /// is the next day. Throws what Ledger::begin() does.
  Permit enter(const Price& price, std::chrono::seconds timeout, const Deadline& deadline);

  /// How many times longer than `cycle` the time between two resumptions must be, so that what is
  /// left of the day's credits lasts, as the last one cost.
  std::int64_t stretch(std::chrono::seconds cycle, const Deadline& deadline);

  /// Adds what was spent, on all days and on this one, and the cap.
  void add_to(Samples& samples, const Deadline& deadline);

  static Time wall_clock();
  Time now() const { return clock_(); }
  void set_clock(Time (*clock)()) { clock_ = clock; }

 private:
  /// From when the warehouse was resumed until it is suspended, as far as is known.
  struct Wake {
    Time from{}, until{};
    double credits_per_second = 0;

    double credits() const;
    double credits_on(Time day) const;
  };
  struct State {
    Time day{};            ///< the start of the day that `spent` is of
    double spent = 0;      ///< credits of its wakes that have ended
    double last_cost = 0;  ///< credits of the last of them
    double reserved = 0;   ///< credits that must be left for the first statement of a wake
    /// Those that are paid for now: several where each of them is suspended before its minute ends.
    std::vector<Wake> wakes = {};

    double current_on(Time day) const;  ///< credits of these
  };

  void load(const Deadline& deadline);
  void store(const Deadline& deadline);
  bool is_awake(Time now) const;
  void settle(Time now);
  void leave(std::optional<Time> until);

  const std::string account_;
  const SharedLedger ledger_;
  Time (*clock_)();
  std::mutex mutex_;  ///< of what follows
  double cap_;
  bool is_loaded_ = false;
  State state_;
  std::vector<Wake> ended_;  ///< wakes that are not in the ledger yet
  int running_ = 0;
  Time unknown_until_{};  ///< when the last statement has ended whose end was not heard of
  Time awake_until_{};    ///< until when it is not suspended for certain
  std::chrono::seconds auto_suspend_{};  ///< of the statements that run
};

}  // namespace exporter::snowflake
