#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace exporter::sql {

/// The SQL that a database understands, as far as literals and session settings depend on it.
enum class Dialect : std::uint8_t { postgresql, mariadb, mysql, sqlite, sqlserver, other };

/// Its name in the configuration: "postgresql".
std::string_view to_string(Dialect dialect) noexcept;

/// The dialect of a driver or a server by its name ("PostgreSQL Unicode", "FreeTDS", "Microsoft SQL
/// Server"); other if the name is unknown.
Dialect dialect_of(std::string_view name) noexcept;

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// The text as a literal. Throws Error{config} for a NUL, which no dialect can express.
std::string literal(std::string_view text, Dialect dialect);

/// The instant as a literal for a session in UTC. SQLite compares times as texts: there it is
/// 'YYYY-MM-DD HH:MM:SS', with a fraction unless it is zero.
std::string literal(Time time, Dialect dialect);

}  // namespace exporter::sql
