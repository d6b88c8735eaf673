#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace exporter::sql {

/// Which SQL a database speaks, as far as literals and sessions depend on it.
enum class Dialect : std::uint8_t { postgresql, mariadb, mysql, sqlite, sqlserver, other };

/// Its name in a configuration: "postgresql".
std::string_view to_string(Dialect dialect) noexcept;

/// The dialect of what a driver or a server calls itself ("PostgreSQL Unicode", "FreeTDS",
/// "Microsoft SQL Server"); other where the name says nothing.
Dialect dialect_of(std::string_view name) noexcept;

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// The text as a literal. Throws Error{config} for a NUL, which no dialect can write.
std::string literal(std::string_view text, Dialect dialect);

/// The instant as a literal for a session in UTC. SQLite compares times as texts: there it is
/// 'YYYY-MM-DD HH:MM:SS', with a fraction where it has one.
std::string literal(Time time, Dialect dialect);

}  // namespace exporter::sql
