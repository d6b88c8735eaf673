#include "tests/live/sql_parts/control.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <stdexcept>

using namespace exporter;
using namespace exporter::sql;

namespace sql_servers {
namespace {

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) throw std::runtime_error("tests/live/sql sets " + name);
  return value;
}

}  // namespace

std::string control(const std::string& command) {
  const auto path = variable("SQL_CONTROL");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(number, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::send(number, command.data(), command.size(), MSG_NOSIGNAL) != ssize_t(command.size()) ||
      ::shutdown(number, SHUT_WR) != 0) {
    throw std::runtime_error("tests/live/sql does not listen");
  }
  std::string answer;
  char piece[4096];
  for (ssize_t size = 0; (size = ::recv(number, piece, sizeof piece, 0)) > 0;) {
    answer.append(piece, static_cast<std::size_t>(size));
  }
  ::close(number);
  if (!answer.starts_with("ok ")) throw std::runtime_error(command + ": " + answer);
  return answer.substr(3);
}

void Frozen::thaw() {
  if (std::exchange(is_frozen_, false)) control("thaw " + server_);
}

std::string string_of(const std::string& name) { return variable(name); }

Database::Options options(const std::string& string, const std::string& user) {
  auto changed = string;
  if (const auto at = changed.find("Uid=monitor"); at != std::string::npos) {
    changed.replace(at, std::strlen("Uid=monitor"), "Uid=" + user);
  }
  return {.name = "shop",
          .string = ConnectionString(changed),
          .password = SecretSource::env("SQL_PASSWORD_" + user)};
}

Table ask(Database& database, std::string_view sql, Clock::duration timeout, const Limits& limits) {
  return database.query(Statement(sql, database.dialect()), {}, limits, Deadline::in(timeout));
}

std::string row(const Table& table, std::size_t index) {
  std::string result;
  for (std::size_t i = 0; i < table.columns().size(); ++i) {
    result += std::string(table.at(index, i).value_or("-")) + ' ';
  }
  return result;
}

void wait_for_running(const std::string& server, int count, const std::string& part) {
  const std::string sql =
      server == "mariadb"
          ? "select count(*) from information_schema.processlist where user = 'monitor' and "
            "command <> 'Sleep' and coalesce(info, '') like '%" +
                part + "%'"
          : "select count(*) from pg_stat_activity where usename = 'monitor' and state <> 'idle' "
            "and query like '%" +
                part + "%'";
  const auto wanted = std::to_string(count);
  std::string found;
  if (eventually([&] { return (found = control("admin " + server + " " + sql)) == wanted; }))
    return;
  throw std::runtime_error(server + " runs " + found + " statements, expected " + wanted);
}

}  // namespace sql_servers
