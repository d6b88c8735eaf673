#include "common/sql/database.h"

#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"

namespace exporter::sql {
namespace {

/// The login timeout, for drivers that need it in advance.
constexpr std::chrono::seconds kLogin(10);

}  // namespace

Database::Database(Options options) : options_(std::move(options)) {
  options_.string.add_defaults(kLogin);
  dialect_ = options_.string.dialect();
}

Database::~Database() = default;

Database::Kept Database::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

Database::Kept Database::login(const Deadline& deadline) {
  std::optional<Secret> password;
  if (options_.password) password.emplace(options_.password->load());
  auto connection = std::make_unique<Connection>(dialect_);
  try {
    connection->open(options_.string, password ? &*password : nullptr, deadline);
  } catch (const Error&) {
    note_end(*connection);
    throw;
  }
  note_login(*connection);
  return connection;
}

void Database::note_end(const Connection& connection) {
  const std::lock_guard lock(mutex_);
  if (connection.was_cut()) ++figures_.cut;
  if (connection.is_stuck()) ++figures_.stuck;
}

void Database::note_login(const Connection& connection) {
  const std::lock_guard lock(mutex_);
  ++figures_.logins;
  if (connection.server() == figures_.server && connection.unset() == figures_.unset) return;
  figures_.server = connection.server();
  figures_.unset = connection.unset();
  for (const auto& setting : figures_.unset) {
    log::warn("a setting of the session is not in force",
              {{"source", options_.name}, {"setting", setting}});
  }
}

/// Connections that are not kept are closed without the lock, because that may take a while.
void Database::give_back(Kept&& connection) {
  note_end(*connection);
  const std::lock_guard lock(mutex_);
  const bool has_room = idle_.size() < options_.idle_connections;
  if (connection->is_usable() && has_room) idle_.push_back(std::move(connection));
}

Table Database::query(const Statement& statement, const Parameters& parameters,
                      const Limits& limits, const Deadline& deadline) {
  const auto text = statement.text(parameters);
  const auto begun = Clock::now();
  try {
    auto table = run(text, limits, deadline);
    note_query({text, Clock::now() - begun, &table, nullptr});
    return table;
  } catch (const Error& error) {
    note_query({text, Clock::now() - begun, nullptr, &error});
    throw;
  }
}

Table Database::run(const std::string& text, const Limits& limits, const Deadline& deadline) {
  auto connection = take();
  bool is_kept = connection != nullptr;
  while (true) {
    try {
      if (!connection) connection = login(deadline);
      auto table = connection->run(text, limits, deadline);
      give_back(std::move(connection));
      return table;
    } catch (const Error& error) {
      if (connection) give_back(std::move(connection));
      connection.reset();
      if (std::exchange(is_kept, false) && error.reason() == Reason::connect) continue;
      throw;
    }
  }
}

void Database::note_query(const Ran& ran) {
  if (observer_) observer_(ran);
  const std::lock_guard lock(mutex_);
  ++figures_.queries;
  figures_.seconds += std::chrono::duration<double>(ran.took).count();
  if (ran.table != nullptr) figures_.rows += ran.table->rows();
  if (ran.error != nullptr) ++figures_.failures;
}

Database::Figures Database::figures() const {
  const std::lock_guard lock(mutex_);
  auto figures = figures_;
  figures.idle = idle_.size();
  return figures;
}

}  // namespace exporter::sql
