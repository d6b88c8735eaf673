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

/// A database that is asked from several threads: a connection for each query that runs, kept for
/// the next ones.
class Database {
 public:
  struct Options {
    std::string name;  ///< for the log
    ConnectionString string;
    std::optional<SecretSource> password = {};  ///< read at each login
    std::size_t idle_connections = 3;           ///< the most that are kept
  };
  explicit Database(Options options);
  ~Database();

  /// Runs a query. One that fails on a kept connection, because that was closed meanwhile, runs
  /// once more on a new one. Throws Error.
  Table query(const Statement& statement, const Parameters& parameters, const Limits& limits,
              const Deadline& deadline);

  /// One query that has run: its table, or the error that it threw.
  struct Ran {
    const std::string& statement;
    Clock::duration took;
    const Table* table;
    const Error* error;
  };
  /// Has each query that ends reported from now on, in its thread; not while one runs.
  void observe(std::function<void(const Ran&)> observer) { observer_ = std::move(observer); }

  /// What the connection string says; other for a data source.
  Dialect dialect() const { return dialect_; }
  const ConnectionString& string() const { return options_.string; }

  struct Figures {
    std::string server;              ///< of the last login; empty before
    std::vector<std::string> unset;  ///< settings that are not in force, in words
    std::uint64_t queries, failures, rows, logins;
    std::uint64_t cut;    ///< connections that were dropped because a query did not end
    std::uint64_t stuck;  ///< of these, those whose memory is given up
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
