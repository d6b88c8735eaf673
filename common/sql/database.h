#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
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
};

}  // namespace exporter::sql
