#pragma once

#include <chrono>
#include <string>

#include "common/sql/database.h"

/// Shared by the tests with real servers, which tests/live/sql starts.
namespace sql_servers {

using namespace std::chrono_literals;

/// Asks tests/live/sql to do something with a server, e.g. "freeze mariadb", and returns its reply.
/// Throws if it cannot.
std::string control(const std::string& command);

/// A server's processes are stopped during its lifetime.
class Frozen {
 public:
  explicit Frozen(std::string server) : server_(std::move(server)) { control("freeze " + server_); }
  ~Frozen() { thaw(); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  void thaw();

 private:
  std::string server_;
  bool is_frozen_ = true;
};

/// The connection string in an environment variable, SQL_MARIADB.
std::string string_of(const std::string& variable);

/// A user is one in servers.py's PASSWORDS, and logs in with that password.
exporter::sql::Database::Options options(const std::string& string,
                                         const std::string& user = "monitor");

exporter::sql::Table ask(exporter::sql::Database& database, std::string_view sql,
                         exporter::Clock::duration timeout = 30s,
                         const exporter::sql::Limits& limits = {});

/// The cells of a row, each followed by a blank; NULL as -.
std::string row(const exporter::sql::Table& table, std::size_t index = 0);

/// Waits until the server runs that many of our statements that contain each of these parts.
void wait_for_running(const std::string& server, int count, const std::string& part = "");

/// Waits until it holds; false after a minute.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto give_up = exporter::Clock::now() + 60s;
  while (!condition()) {
    if (exporter::Clock::now() > give_up) return false;
    exporter::pause(20ms, {});
  }
  return true;
}

}  // namespace sql_servers
