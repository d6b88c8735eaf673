#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/sql/connection.h"
#include "common/sql/connection_string.h"
#include "common/sql/dialect.h"
#include "common/sql/statement.h"
#include "common/sql/table.h"

namespace exporter::sql {

/// A pool of connections to one database, one for each running query. Thread-safe.
class Database {
 public:
  struct Options {
    std::string name;  ///< for the log
    ConnectionString string;
    std::optional<SecretSource> password = {};  ///< read at each login
    std::size_t idle_connections = 3;           ///< the maximum number that are kept
  };
  explicit Database(Options options);
  ~Database();

  /// Runs a query. If it fails on a kept connection that was closed in the meantime, runs it once
  /// more on a new one. Throws Error.
  Table query(const Statement& statement, const Parameters& parameters, const Limits& limits,
              const Deadline& deadline);

  /// A query that has run: its table, or the error that it threw.
  struct Ran {
    const std::string& statement;
    Clock::duration took;
    const Table* table;
    const Error* error;
  };
  /// Reports each query that ends from now on, in its thread. Must not be called while one runs.
  void observe(std::function<void(const Ran&)> observer) { observer_ = std::move(observer); }

  /// The dialect according to the connection string; other for a data source.
  Dialect dialect() const { return dialect_; }
  const ConnectionString& string() const { return options_.string; }

  struct Figures {
    std::string server;              ///< of the last login; empty before
    std::vector<std::string> unset;  ///< settings that could not be applied, as text
    std::uint64_t queries, failures, rows, logins;
    std::uint64_t cut;    ///< connections dropped because a query did not end
    std::uint64_t stuck;  ///< of these, those whose memory was given up
    double seconds;       ///< of all queries
    std::size_t idle;     ///< connections that are kept now
  };
  Figures figures() const;

 private:
  using Kept = std::unique_ptr<Connection>;
  Table run(const std::string& text, const Limits& limits, const Deadline& deadline);
  void note_query(const Ran& ran);
  Kept take();
  Kept login(const Deadline& deadline);
  void give_back(Kept&& connection);
  void note_login(const Connection& connection);
  void note_end(const Connection& connection);

  Options options_;
  Dialect dialect_;
  mutable std::mutex mutex_;
  std::vector<Kept> idle_;
  Figures figures_{};
  std::function<void(const Ran&)> observer_;
};

}  // namespace exporter::sql
