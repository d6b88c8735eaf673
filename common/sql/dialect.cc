#include "common/sql/dialect.h"

#include <array>
#include <cstdio>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::sql {
namespace {

/// 'YYYY-MM-DD HH:MM:SS', with microseconds if there are any or `always`.
std::string timestamp(Time time, bool always) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto of_day = time - day;
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(of_day));
  const auto fraction = (of_day - std::chrono::floor<std::chrono::seconds>(of_day)).count();
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d", int(date.year()),
                unsigned(date.month()), unsigned(date.day()), int(clock.hours().count()),
                int(clock.minutes().count()), int(clock.seconds().count()));
  std::string result(text.data());
  if (fraction == 0 && !always) return result;
  std::snprintf(text.data(), text.size(), ".%06d", int(fraction));
  return result + text.data();
}

}  // namespace

std::string_view to_string(Dialect dialect) noexcept {
  switch (dialect) {
    case Dialect::postgresql: return "postgresql";
    case Dialect::mariadb: return "mariadb";
    case Dialect::mysql: return "mysql";
    case Dialect::sqlite: return "sqlite";
    case Dialect::sqlserver: return "sqlserver";
    case Dialect::other: return "other";
  }
  return "other";
}

Dialect dialect_of(std::string_view name) noexcept {
  constexpr std::array<std::pair<std::string_view, Dialect>, 9> kNames{{
      {"postgres", Dialect::postgresql},
      {"psqlodbc", Dialect::postgresql},
      {"maria", Dialect::mariadb},
      {"mysql", Dialect::mysql},
      {"sqlite", Dialect::sqlite},
      {"sql server", Dialect::sqlserver},
      {"sqlserver", Dialect::sqlserver},
      {"freetds", Dialect::sqlserver},
      {"tdsodbc", Dialect::sqlserver},
  }};
  const auto lower = to_lower(name);
  for (const auto& [part, dialect] : kNames) {
    if (lower.find(part) != std::string::npos) return dialect;
  }
  return Dialect::other;
}

std::string literal(std::string_view text, Dialect dialect) {
  const bool escapes = dialect == Dialect::mariadb || dialect == Dialect::mysql;
  std::string result = "'";
  for (const char c : text) {
    if (c == '\0') throw Error(Reason::config, "a string in a statement cannot contain a NUL");
    if (c == '\'' || (c == '\\' && escapes)) result += c;
    result += c;
  }
  return result + "'";
}

std::string literal(Time time, Dialect dialect) {
  switch (dialect) {
    case Dialect::postgresql: return "TIMESTAMPTZ '" + timestamp(time, true) + "+00'";
    case Dialect::mariadb:
    case Dialect::mysql: return "TIMESTAMP '" + timestamp(time, true) + "'";
    case Dialect::sqlite: return "'" + timestamp(time, false) + "'";
    case Dialect::sqlserver: return "CAST('" + timestamp(time, true) + "' AS datetime2)";
    case Dialect::other: return "{ts '" + timestamp(time, true) + "'}";
  }
  return {};
}

}  // namespace exporter::sql
