#pragma once

#include <chrono>
#include <string>

#include "common/sql/database.h"

/// What the tests beside real servers share. tests/live/sql starts the servers and runs these.
namespace sql_servers {

using namespace std::chrono_literals;

/// Has tests/live/sql do something with a server, e.g. "freeze mariadb", and returns what it
/// answers. Throws when it cannot.
std::string control(const std::string& command);

/// A server's processes do not run while it lives.
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

/// A user is one of servers.py's PASSWORDS, and logs in by that.
exporter::sql::Database::Options options(const std::string& string,
                                         const std::string& user = "monitor");

exporter::sql::Table ask(exporter::sql::Database& database, std::string_view sql,
                         exporter::Clock::duration timeout = 30s,
                         const exporter::sql::Limits& limits = {});

/// The cells of a row with a blank behind each; NULL as -.
std::string row(const exporter::sql::Table& table, std::size_t index = 0);

/// Waits until the server runs so many statements of ours, with this part in each.
void wait_for_running(const std::string& server, int count, const std::string& part = "");

/// Waits until it holds; whether it did within a minute.
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
