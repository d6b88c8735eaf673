#include "common/sql/connection_string.h"

#include <algorithm>
#include <array>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::sql {
namespace {

[[noreturn]] void fail(const std::string& why) {
  throw Error(Reason::config, "ODBC connection string: " + why);
}

/// A value in braces up to the one that ends it; "}}" stands for a brace.
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

/// psqlodbc takes braces within a value, as in pqopt={...}; a value in braces may hold what would
/// end it.
std::string braced(std::string_view value) {
  std::string result = "{";
  for (const char c : value) {
    if (c == '}') result += c;
    result += c;
  }
  return result + "}";
}

std::string written(std::string_view value) {
  const bool is_plain = value.find_first_of(";{}[]()?*=!@") == std::string_view::npos &&
                        trim(value).size() == value.size();
  return is_plain ? std::string(value) : braced(value);
}

bool is_password(std::string_view key) {
  constexpr std::array<std::string_view, 3> kKeys{"pwd", "password", "passwd"};
  return std::any_of(kKeys.begin(), kKeys.end(),
                     [&](auto word) { return equal_ignoring_case(key, word); });
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
    if (is_password(key)) {
      fail("it holds a password; give it by password_file or password_env");
    }
    if (has(key)) fail("duplicate " + key);
    text.remove_prefix(equals + 1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    auto value =
        text.starts_with('{') ? take_braced(text) : std::string(trim(next_part(text, ';')));
    attributes_.emplace_back(key, std::move(value));
  }
  if (!has("Driver") && !has("DSN") && !has("FILEDSN")) {
    fail("expected Driver= (as odbcinst -q -d lists them) or DSN=");
  }
}

std::optional<std::string> ConnectionString::value(std::string_view key) const {
  for (const auto& [name, value] : attributes_) {
    if (equal_ignoring_case(name, key)) return value;
  }
  return std::nullopt;
}

Dialect ConnectionString::dialect() const { return dialect_of(value("Driver").value_or("")); }

void ConnectionString::add_defaults(std::chrono::seconds login_timeout) {
  const auto add = [&](std::string_view key, std::string value) {
    if (!has(key)) attributes_.emplace_back(key, std::move(value));
  };
  switch (dialect()) {
    case Dialect::postgresql:
      add("UseDeclareFetch", "1");
      add("Fetch", "1000");
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
  result.reserve(size);  // so that no copy of it stays in memory that is freed
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
  for (const auto& [key, value] : attributes_) result += key + "=" + written(value) + ";";
  return result;
}

}  // namespace exporter::sql
