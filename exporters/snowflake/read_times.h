#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "common/metric/samples.h"

namespace exporter::snowflake {

inline constexpr auto kDataTimestamp = gauge(
    "snowflake_data_timestamp_seconds",
    "Time of the newest thing that the statement's view had when it was last read, in seconds "
    "since 1970.",
    "account", "statement");
inline constexpr auto kReadTimestamp = gauge(
    "snowflake_read_timestamp_seconds",
    "Up to when the statement has read its view, in seconds since 1970: views are late by hours.",
    "account", "statement");

/// How far the statements of all groups of an account have read: one family is of one collector.
/// Safe to use from several threads.
class ReadTimes {
 public:
  /// What is 1970 is not known.
  void set(const std::string& statement, std::chrono::sys_seconds read_up_to, double newest);

  void add_to(Samples& samples, const std::string& account) const;

 private:
  struct Times {
    double read_up_to, newest;  ///< seconds since 1970
  };

  mutable std::mutex mutex_;
  std::map<std::string, Times> times_;  ///< by the statement's name
};

}  // namespace exporter::snowflake
