#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string_view>

#include "common/base/error.h"
#include "common/ledger/ledgers.h"
#include "exporters/snowflake/account.h"
#include "exporters/snowflake/counting.h"
#include "exporters/snowflake/usage_statement.h"

namespace exporter::snowflake {

/// Throws Error{config} if the account has no warehouse, or lacks the key that the group needs.
void require_usable(const Account& account, const Group& group);

/// Reads a group when it is due, if the account's warehouse may be used, and counts each row once.
class Usage {
 public:
  /// Throws what require_usable() does.
  Usage(Account& account, const Group& group);

  /// Sets the text that replaces {name} in statements, given the start of the window that they
  /// read.
  void insert(const std::string& name, std::function<std::string(std::chrono::sys_seconds)> text) {
    inserts_[name] = std::move(text);
  }

  /// Reads the group if it is due, and adds everything known. A failure does not keep the rest from
  /// the page.
  void collect(Samples& samples, const Deadline& deadline);

 private:
  using Time = std::chrono::sys_seconds;
  /// The state of a statement.
  struct Known {
    Time read_up_to{};
    double newest = 0;  ///< seconds since 1970; 0: unknown
    Gauges gauges;
    bool has_gauges = false;  ///< they were read, by this process or an earlier one
    std::string off;          ///< why it is not read, for kOff
    int timeouts = 0;         ///< in a row
    Time not_before{};        ///< set after too many timeouts
  };

  void load(const Deadline& deadline);
  void go_back_if_ahead(Time now, const Deadline& deadline);
  bool is_due(Time now, const Deadline& deadline);
  void read(const UsageStatement& statement, Time now, Samples& samples, const Deadline& deadline);
  void note_failure(const UsageStatement& statement, const Error& error, Time now,
                    const Deadline& deadline);
  void store_timeouts(const UsageStatement& statement, const Deadline& deadline) const;
  void count(const UsageStatement& statement, const Table& table, Time lo, Time hi,
             Samples& samples, const Deadline& deadline);
  void take_gauges(const UsageStatement& statement, const Table& table, Time now, Samples& samples,
                   const Deadline& deadline);
  Ledger::Run begin(const Deadline& deadline) const;
  void publish_read_times() const;
  void add_to(Samples& samples) const;

  Account& account_;
  const Group& group_;
  const SharedLedger ledger_;
  std::map<std::string, std::function<std::string(Time)>> inserts_;
  std::map<std::string_view, Known> known_;  ///< by the statement's name
  Time attempt_{};
  bool is_loaded_ = false;
  std::optional<Error> failure_;  ///< of the last read
};

}  // namespace exporter::snowflake
