#include "common/sql/connection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <optional>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/sql/failure.h"
#include "common/sql/session.h"
#include "common/sql/statement.h"
#include "common/sql/value.h"

namespace exporter::sql {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxCell = 1u << 20, kMaxColumns = 256, kMaxBytes = 1u << 30;
constexpr std::size_t kCheckEvery = 1000;  // rows between checks of the deadline
constexpr milliseconds kShortestLimit(100);
constexpr std::chrono::seconds kGoodbye(2);
constexpr std::size_t kMaxMessage = 500;

SQLPOINTER number(std::size_t value) { return reinterpret_cast<SQLPOINTER>(value); }

/// Drivers take non-const text, but do not change it.
SQLCHAR* text_of(const char* text) { return reinterpret_cast<SQLCHAR*>(const_cast<char*>(text)); }

SQLHANDLE with_version(const Handle& environment) {
  ::SQLSetEnvAttr(environment.get(), SQL_ATTR_ODBC_VERSION, number(SQL_OV_ODBC3), 0);
  return environment.get();
}

Error refused(const std::string& why) { return {Reason::query, why}; }

/// The result of a statement, read cell by cell as text.
class Cursor {
 public:
  Cursor(const Handle& statement, const std::string& text, Dialect dialect)
      : statement_(statement), text_(text), dialect_(dialect) {}

  void execute() const {
    check(::SQLExecDirect(statement_.get(), text_of(text_.c_str()), SQLINTEGER(text_.size())));
  }

  /// Empty if the statement returns no rows.
  std::vector<std::string> columns() const {
    SQLSMALLINT count = 0;
    check(::SQLNumResultCols(statement_.get(), &count));
    if (std::size_t(std::max<SQLSMALLINT>(count, 0)) > kMaxColumns) {
      throw refused("more than " + std::to_string(kMaxColumns) + " columns");
    }
    std::vector<std::string> names;
    for (SQLUSMALLINT i = 1; i <= count; ++i) names.push_back(name_of(i));
    return names;
  }

  Table fetch(std::vector<std::string> columns, const Limits& limits, const Deadline& deadline) {
    Table table(std::move(columns));
    if (limits.has_types) table.set_types(types(table.columns().size()));
    const auto most = std::min(limits.bytes, kMaxBytes);
    if (table.columns().empty()) return table;
    for (std::size_t row = 0;; ++row) {
      const auto code = ::SQLFetch(statement_.get());
      if (code == SQL_NO_DATA) return table;
      check(code);
      if (row == limits.rows) throw TooManyRows(limits.rows);
      if (row % kCheckEvery == kCheckEvery - 1) deadline.check();
      for (std::size_t i = 0; i < table.columns().size(); ++i) {
        read_cell(i, table);
        if (table.bytes() > most) throw refused("more than " + std::to_string(most) + " bytes");
      }
    }
  }

  /// Whether a failed call made the connection unusable.
  bool has_ended_connection() const { return has_ended_connection_; }

 private:
  void check(SQLRETURN code) const {
    if (SQL_SUCCEEDED(code) || code == SQL_NO_DATA) return;
    const auto diagnosis = diagnose(statement_);
    has_ended_connection_ = diagnosis.state.empty() || ends_connection(diagnosis, dialect_);
    throw_failure(diagnosis, text_, dialect_);
  }

  std::vector<std::string> types(std::size_t columns) const {
    std::vector<std::string> names;
    for (std::size_t i = 1; i <= columns; ++i) {
      std::array<SQLCHAR, 512> name{};
      SQLSMALLINT length = 0;
      check(::SQLColAttribute(statement_.get(), SQLUSMALLINT(i), SQL_DESC_TYPE_NAME, name.data(),
                              SQLSMALLINT(name.size()), &length, nullptr));
      names.emplace_back(type_name(reinterpret_cast<const char*>(name.data()), dialect_));
    }
    return names;
  }

  std::string name_of(SQLUSMALLINT column) const {
    std::array<SQLCHAR, 512> name{};
    SQLSMALLINT length = 0;
    check(::SQLDescribeCol(statement_.get(), column, name.data(), SQLSMALLINT(name.size()), &length,
                           nullptr, nullptr, nullptr, nullptr));
    return reinterpret_cast<const char*>(name.data());
  }

  /// Reads in pieces to the end, because the sizes that drivers report are not those of the data.
  void read_cell(std::size_t index, Table& table) {
    const auto begin = table.bytes();
    bool is_null = false;
    while (true) {
      SQLLEN size = 0;
      const auto code = ::SQLGetData(statement_.get(), SQLUSMALLINT(index + 1), SQL_C_CHAR,
                                     buffer_.data(), SQLLEN(buffer_.size()), &size);
      if (code == SQL_NO_DATA) break;
      check(code);
      is_null = size == SQL_NULL_DATA;
      if (is_null) break;
      const auto most = buffer_.size() - 1;  // a zero follows
      const bool is_whole = size != SQL_NO_TOTAL && std::size_t(size) <= most;
      table.append({buffer_.data(), is_whole ? std::size_t(size) : most});
      if (table.bytes() - begin > kMaxCell) {
        throw refused("a value of more than 1 MiB in the column " + table.columns()[index]);
      }
      if (is_whole) break;
    }
    table.end_cell(is_null);
  }

  const Handle& statement_;
  const std::string& text_;
  Dialect dialect_;
  std::array<char, 4096> buffer_;
  mutable bool has_ended_connection_ = false;
};

/// A column without a unique name cannot be referred to.
void check_columns(const Table& table) {
  if (table.columns().empty()) throw refused("the statement returns no rows; expected a query");
  std::set<std::string> names;
  for (const auto& name : table.columns()) {
    if (name.empty()) throw refused("a column has no name; give it one with AS");
    if (!names.insert(name).second) {
      throw refused("two columns are named " + name + "; give them names with AS");
    }
  }
}

/// The message contains no statement and no data. The driver may still have put the password in it.
Error login_failure(const Diagnosis& diagnosis, const Secret* password, Dialect dialect) {
  constexpr std::string_view kHidden = "…";
  auto text = diagnosis.message;
  const auto secret = password == nullptr ? std::string_view() : password->reveal();
  for (auto at = text.find(secret); !secret.empty() && at != text.npos;
       at = text.find(secret, at + kHidden.size())) {
    text.replace(at, secret.size(), kHidden);
  }
  const auto reason = reason_of(diagnosis, dialect);
  const bool says_more = reason != Reason::query && reason != Reason::timeout;
  return {says_more ? reason : Reason::connect, printable(text, kMaxMessage) + codes_of(diagnosis) +
                                                    advice_on_driver(diagnosis, dialect)};
}

milliseconds time_left(const Deadline& deadline) {
  constexpr std::chrono::days kMost(20);  // PostgreSQL refuses a limit of 25
  return std::min<milliseconds>(deadline.left(), kMost);
}

/// The server's time limit: the time left, rounded so that it is the same in each run.
milliseconds limit_of(const Deadline& deadline) {
  const auto left = static_cast<double>(time_left(deadline).count());
  return std::max(milliseconds(std::int64_t(std::round(left * 0.9 / 100)) * 100), kShortestLimit);
}

}  // namespace

Connection::Connection(Dialect dialect)
    : environment_(SQL_HANDLE_ENV, SQL_NULL_HANDLE),
      connection_(SQL_HANDLE_DBC, with_version(environment_)),
      dialect_(dialect) {}

void Connection::open(const ConnectionString& string, const Secret* password,
                      const Deadline& deadline) {
  connect(string, password, deadline);
  identify(deadline);
  prepare(deadline);
}

void Connection::prepare(const Deadline& deadline) {
  unset_ = prepare_session(dialect_, [&](const std::string& statement) {
    return execute(statement, Limits{}, deadline);
  });
  if (dialect_ != Dialect::postgresql) return prepare_limit(deadline);
  ::SQLSetConnectAttr(connection_.get(), SQL_ATTR_AUTOCOMMIT, number(SQL_AUTOCOMMIT_OFF), 0);
  has_transactions_ = true;
  try {
    begin(deadline);
  } catch (const Error& error) {
    if (!is_usable_ || !is_refusal(error)) throw;
    has_transactions_ = false;
    unset_.push_back("read-only and time limit: " + std::string(error.what()));
  }
  end_transaction(deadline);
  if (has_transactions_) return;
  ::SQLSetConnectAttr(connection_.get(), SQL_ATTR_AUTOCOMMIT, number(SQL_AUTOCOMMIT_ON), 0);
}

Connection::~Connection() {
  if (!is_connected_ || is_stuck_) return;
  if (!is_usable_) socket_->shut_down();
  const Guard guard(Clock::now() + kGoodbye, {}, socket_);
  ::SQLDisconnect(connection_.get());
}

void Connection::connect(const ConnectionString& string, const Secret* password,
                         const Deadline& deadline) {
  deadline.check();
  deadline.count_request();
  const auto seconds = std::max<std::int64_t>(1, (time_left(deadline).count() + 999) / 1000);
  ::SQLSetConnectAttr(connection_.get(), SQL_ATTR_LOGIN_TIMEOUT, number(std::size_t(seconds)), 0);
  const auto text = string.with_password(password == nullptr ? "" : password->reveal());
  Guard guard(deadline.when(), deadline.stop(), socket_);
  const auto code = [&] {
    const NoteSocket note(*socket_);
    // The completed string that it could return contains the password.
    return ::SQLDriverConnect(connection_.get(), nullptr, text_of(text.c_str()), SQL_NTS, nullptr,
                              0, nullptr, SQL_DRIVER_NOPROMPT);
  }();
  was_cut_ = guard.release() != Guard::Ended::by_itself;
  is_connected_ = SQL_SUCCEEDED(code);
  is_usable_ = is_connected_ && !was_cut_;
  if (is_usable_) return;
  if (deadline.stop().stop_requested()) throw Error(Reason::cancelled, "cancelled");
  if (was_cut_) throw Error(Reason::connect, "the login did not end in time");
  throw login_failure(diagnose(connection_), password, dialect_);
}

std::string Connection::info(SQLUSMALLINT what) const {
  std::array<char, 256> text{};
  SQLSMALLINT length = 0;
  const auto code =
      ::SQLGetInfo(connection_.get(), what, text.data(), SQLSMALLINT(text.size()), &length);
  return SQL_SUCCEEDED(code) ? text.data() : "";
}

void Connection::identify(const Deadline& deadline) {
  const Guard guard(deadline.when(), deadline.stop(), socket_);
  const auto name = info(SQL_DBMS_NAME);
  server_ = printable(name + " " + info(SQL_DBMS_VER), 200);
  if (const auto known = dialect_of(name); known != Dialect::other) dialect_ = known;
}

Table Connection::run(const std::string& statement, const Limits& limits,
                      const Deadline& deadline) {
  if (!has_transactions_) {
    limit(limits.rows + 1, deadline);
    auto table = execute(statement, limits, deadline);
    // MariaDB's driver runs statements without a result silently, and crashes at the rows of the
    // next.
    if (table.columns().empty()) is_usable_ = false;
    check_columns(table);
    return table;
  }
  try {
    begin(deadline);
    auto table = execute(statement, limits, deadline);
    end_transaction(deadline);
    check_columns(table);
    return table;
  } catch (const Error&) {
    end_transaction(deadline);
    throw;
  }
}

void Connection::prepare_limit(const Deadline& deadline) {
  std::string why = "this database has no such setting";
  try {
    if (limit(Limits{}.rows + 1, deadline) || dialect_ == Dialect::sqlite) return;
  } catch (const Error& error) {
    if (!is_usable_ || !is_refusal(error)) throw;
    has_limit_ = false;
    why = error.what();
  }
  unset_.push_back("time limit: " + why);
}

/// Has the server give up before the deadline, so that its own error gives the reason. False if it
/// cannot.
bool Connection::limit(std::size_t rows, const Deadline& deadline) {
  const auto wanted = limit_of(deadline);
  if (!has_limit_ || (wanted == limit_ && rows == row_limit_)) return has_limit_;
  const auto is_limited = limit_statements(
      dialect_, wanted, rows,
      [&](const std::string& statement) { return execute(statement, Limits{}, deadline); });
  limit_ = wanted;
  row_limit_ = rows;
  return is_limited;
}

/// Starts a transaction, which otherwise the driver does with its first statement, and sets its
/// limits: after it, a pooler in front of the server may give the session to another client.
void Connection::begin(const Deadline& deadline) {
  limit_transaction(limit_of(deadline), [&](const std::string& statement) {
    return execute(statement, Limits{}, deadline);
  });
}

void Connection::end_transaction(const Deadline& deadline) {
  if (!is_usable_) return;
  Guard guard(std::max(deadline.when(), Clock::now() + kGoodbye), {}, socket_);
  const auto code = ::SQLEndTran(SQL_HANDLE_DBC, connection_.get(), SQL_ROLLBACK);
  was_cut_ = guard.release() != Guard::Ended::by_itself;
  is_usable_ = SQL_SUCCEEDED(code) && !was_cut_;
}

Table Connection::execute(const std::string& text, const Limits& limits, const Deadline& deadline) {
  deadline.check();
  deadline.count_request();
  is_usable_ = false;  // until it has ended successfully
  Handle statement(SQL_HANDLE_STMT, connection_.get());
  const auto handle = statement.get();
  // SQLite's driver reads the whole result into memory. Other drivers ignore this, or generate
  // wrong SQL (MariaDB's).
  if (dialect_ == Dialect::sqlite) {
    ::SQLSetStmtAttr(handle, SQL_ATTR_MAX_ROWS, number(limits.rows + 1), 0);
  }
  const auto cancel_at = deadline.when() - deadline.left() / 20;
  Guard guard(cancel_at, deadline.stop(), socket_, [handle] { ::SQLCancel(handle); });
  Cursor cursor(statement, text, dialect_);
  std::optional<Table> table;
  std::exception_ptr error;
  try {
    cursor.execute();
    table = cursor.fetch(cursor.columns(), limits, deadline);
  } catch (...) {
    error = std::current_exception();
  }
  ::SQLFreeStmt(handle, SQL_CLOSE);  // asks the server if a cursor is open there
  const auto ended = guard.release();
  was_cut_ = ended != Guard::Ended::by_itself;
  if (ended == Guard::Ended::stuck) {
    is_stuck_ = true;
    statement.abandon();
    connection_.abandon();
    environment_.abandon();
  }
  if (!was_cut_) {
    is_usable_ = !cursor.has_ended_connection();
    if (error) std::rethrow_exception(error);
    return std::move(*table);
  }
  if (table) return std::move(*table);
  if (deadline.stop().stop_requested()) throw Error(Reason::cancelled, "cancelled");
  throw Error(Reason::timeout, "the query did not end in time and was cancelled");
}

}  // namespace exporter::sql
