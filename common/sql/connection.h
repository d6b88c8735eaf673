#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/sql/connection_string.h"
#include "common/sql/dialect.h"
#include "common/sql/guard.h"
#include "common/sql/handle.h"
#include "common/sql/table.h"

namespace exporter::sql {

/// The limits of a query's result.
struct Limits {
  std::size_t rows = 10'000;
  std::size_t bytes = 64u << 20;  ///< of all cells; at most 1 GiB
  bool has_types = false;         ///< whether to ask the driver for the types of the columns
};

/// A query exceeded the limits of its result.
struct TooManyRows : Error {
  explicit TooManyRows(std::size_t limit)
      : Error(Reason::query, "more than " + std::to_string(limit) + " rows") {}
};

/// A session with a database. Not thread-safe. Even if the driver hangs, a call ends about three
/// seconds after its deadline, unless the driver's socket is unknown.
class Connection {
 public:
  /// `dialect` is the one in the connection string.
  explicit Connection(Dialect dialect);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Connects and sets up the session. Throws Error{config}, {auth}, {connect} or {timeout};
  /// was_cut() and is_stuck() then tell how it ended.
  void open(const ConnectionString& string, const Secret* password, const Deadline& deadline);

  /// Runs a query to its end. Throws Error; with Reason::query also if the result exceeds the
  /// limits, has no columns, or has unnamed or duplicate columns.
  Table run(const std::string& statement, const Limits& limits, const Deadline& deadline);

  Dialect dialect() const { return dialect_; }
  /// The server's own name: "PostgreSQL 15.0.18".
  const std::string& server() const { return server_; }
  /// Settings that could not be applied, as text for the user.
  const std::vector<std::string>& unset() const { return unset_; }
  /// Whether it can run more statements.
  bool is_usable() const { return is_usable_; }
  /// Whether a call was terminated by force.
  bool was_cut() const { return was_cut_; }
  /// Whether a call hangs in it forever: its memory is given up.
  bool is_stuck() const { return is_stuck_; }
  /// Whether a hung call can be terminated.
  bool has_known_socket() const { return socket_->is_known(); }

 private:
  void connect(const ConnectionString& string, const Secret* password, const Deadline& deadline);
  void prepare(const Deadline& deadline);
  void identify(const Deadline& deadline);
  void prepare_limit(const Deadline& deadline);
  bool limit(std::size_t rows, const Deadline& deadline);
  void begin(const Deadline& deadline);
  void end_transaction(const Deadline& deadline);
  Table execute(const std::string& statement, const Limits& limits, const Deadline& deadline);
  std::string info(SQLUSMALLINT what) const;

  std::shared_ptr<Socket> socket_ = std::make_shared<Socket>();
  Handle environment_, connection_;
  Dialect dialect_;
  std::string server_;
  std::vector<std::string> unset_;
  std::chrono::milliseconds limit_{};  ///< for statements, as set in the server
  std::size_t row_limit_ = 0;          ///< for statements too
  bool has_limit_ = true;
  bool has_transactions_ = false;  ///< each query is a transaction, with its own settings
  bool is_connected_ = false, is_usable_ = false, was_cut_ = false, is_stuck_ = false;
};

}  // namespace exporter::sql
