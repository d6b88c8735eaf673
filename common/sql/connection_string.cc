#include "common/sql/connection_string.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMostKey = 40;  // bytes in an error

[[noreturn]] void fail(const std::string& why) {
  throw Error(Reason::config, "ODBC connection string: " + why);
}

[[noreturn]] void refuse_password() {
  fail("it contains a password; use password_file or password_env instead");
}

/// A value in braces, up to the closing one; "}}" is a literal brace.
std::string take_braced(std::string_view& rest) {
  std::string value;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] != '}') {
      value += rest[i];
    } else if (i + 1 < rest.size() && rest[i + 1] == '}') {
      value += rest[i++];
    } else {
      rest.remove_prefix(i + 1);
      const auto blank = next_part(rest, ';');
      if (!trim(blank).empty()) fail("expected ';' behind '}'");
      return value;
    }
  }
  fail("a '{' without its '}'");
}

/// In braces, with any content.
std::string braced(std::string_view value) {
  std::string result = "{";
  for (const char c : value) {
    if (c == '}') result += c;
    result += c;
  }
  return result + "}";
}

/// Of the login.
bool is_password(std::string_view key) {
  constexpr std::array<std::string_view, 3> kKeys{"pwd", "password", "passwd"};
  return std::any_of(kKeys.begin(), kKeys.end(),
                     [&](auto word) { return equal_ignoring_case(key, word); });
}

/// Of something else: Snowflake's PRIV_KEY_FILE_PWD, MySQL's PASSWORD2.
bool is_other_password(std::string_view key) {
  constexpr std::array<std::string_view, 4> kEnds{"pwd", "password", "passwd", "passphrase"};
  const auto lower = to_lower(key.substr(0, key.find_last_not_of("0123456789") + 1));
  return std::any_of(kEnds.begin(), kEnds.end(), [&](auto end) { return lower.ends_with(end); });
}

}  // namespace

ConnectionString::ConnectionString(std::string_view text) {
  while (!trim(text).empty()) {
    const auto equals = text.find('='), end = text.find(';');
    if (end != std::string_view::npos && trim(text.substr(0, end)).empty()) {
      text.remove_prefix(end + 1);
      continue;
    }
    if (equals == std::string_view::npos || end < equals) fail("expected key=value;...");
    const std::string key(trim(text.substr(0, equals)));
    if (key.empty()) fail("a value without a key");
    if (is_password(key)) refuse_password();
    if (is_other_password(key)) {
      fail(printable(key, kMostKey) +
           " is a password; it belongs in a data source of odbc.ini (DSN=)");
    }
    if (has(key)) fail("duplicate " + key);
    text.remove_prefix(equals + 1);
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    const bool is_braced = text.starts_with('{');
    auto value = is_braced ? take_braced(text) : std::string(trim(next_part(text, ';')));
    if (equal_ignoring_case(key, "pqopt") && to_lower(value).find("password") != value.npos) {
      refuse_password();
    }
    attributes_.push_back({key, std::move(value), is_braced});
  }
  if (!has("Driver") && !has("DSN") && !has("FILEDSN")) {
    fail("expected Driver= (as odbcinst -q -d lists them) or DSN=");
  }
}

std::optional<std::string> ConnectionString::value(std::string_view key) const {
  for (const auto& attribute : attributes_) {
    if (equal_ignoring_case(attribute.key, key)) return attribute.value;
  }
  return std::nullopt;
}

Dialect ConnectionString::dialect() const { return dialect_of(value("Driver").value_or("")); }

void ConnectionString::add_defaults(std::chrono::seconds login_timeout) {
  const auto add = [&](std::string_view key, std::string value) {
    if (!has(key)) attributes_.push_back({std::string(key), std::move(value), false});
  };
  switch (dialect()) {
    case Dialect::postgresql:
      add("UseDeclareFetch", "1");
      add("Fetch", "1000");
      add("Protocol", "7.4-0");  // no savepoint for each statement
      break;
    case Dialect::mariadb:
    case Dialect::mysql: add("CONN_TIMEOUT", std::to_string(login_timeout.count())); break;
    case Dialect::sqlite:
      add("NoCreat", "1");
      add("Timeout", "1000");  // milliseconds
      break;
    case Dialect::sqlserver:
    case Dialect::other: break;
  }
}

Secret ConnectionString::with_password(std::string_view password) const {
  std::string result;
  const auto size = text().size() + 2 * password.size() + 8;
  result.reserve(size);  // so that no copy of it is left in freed memory
  result += text();
  if (password.empty()) return Secret(std::move(result));
  result += "Pwd={";
  for (const char c : password) {
    if (c == '}') result += c;
    result += c;
  }
  result += "};";
  return Secret(std::move(result));
}

std::string ConnectionString::text() const {
  std::string result;
  for (const auto& [key, value, is_braced] : attributes_) {
    result += key + "=" + (is_braced ? braced(value) : value) + ";";
  }
  return result;
}

}  // namespace exporter::sql
