#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "common/metric/samples.h"

namespace exporter::snowflake {

inline constexpr auto kDataTimestamp = gauge(
    "snowflake_data_timestamp_seconds",
    "Time of the newest row in the statement's view when it was last read, in seconds since 1970.",
    "account", "statement");
inline constexpr auto kReadTimestamp = gauge("snowflake_read_timestamp_seconds",
                                             "Time up to which the statement has read its view, in "
                                             "seconds since 1970; views are late by hours.",
                                             "account", "statement");

inline constexpr auto kOff = gauge(
    "snowflake_statement_off",
    "1 for a statement that is currently not run, with the reason: privilege (missing), timeout "
    "(it took too long three times in a row; retried once a day), credits (the day's are spent).",
    "account", "statement", "reason");

/// How far the statements of all groups of an account have read: one collector must have the whole
/// family. Thread-safe.
class ReadTimes {
 public:
  /// 1970 means unknown; `off` is why the statement is not read, or empty.
  void set(const std::string& statement, std::chrono::sys_seconds read_up_to, double newest,
           const std::string& off);

  void add_to(Samples& samples, const std::string& account) const;

 private:
  struct Times {
    double read_up_to, newest;  ///< seconds since 1970
    std::string off;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Times> times_;  ///< by the statement's name
};

}  // namespace exporter::snowflake
