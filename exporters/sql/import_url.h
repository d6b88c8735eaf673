#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace exporter::sql {

/// The syntax of a URL: the meaning of its path, and how environment variables are written: $NAME
/// and ${NAME}; {{NAME}} and [[NAME]]; {{NAME}}, used here for !env NAME.
enum class UrlStyle : std::uint8_t { dburl, go_drivers, sqlalchemy };

/// The parts of a data source name, percent-decoded, without the password.
struct ImportedUrl {
  std::string authority;  ///< host and port as written: "db:5432"
  std::string host, port;
  std::string user;
  std::string path;    ///< without its first slash
  std::string socket;  ///< a Unix socket in place of a host
  std::vector<std::pair<std::string, std::string>> options;
  bool has_password = false, has_bad_port = false;
  std::string password_variable;  ///< the name, if the password is an environment variable
  std::string variables;          ///< "$HOST, $PORT": other environment variables
};

/// The scheme, in lower case; empty if there is none.
std::string scheme_of(std::string_view url);

/// Splits a URL, or one for Go's MySQL driver (mysql://user:password@tcp(host:port)/name). Nothing
/// if it is malformed, or if a part may contain a piece of a password that was not percent-encoded.
/// If it `is_file`, the path is everything after the scheme.
std::optional<ImportedUrl> split_url(std::string_view url, UrlStyle style, bool is_file);

/// The name of the environment variable, if the text is a reference to one; else empty.
std::string variable_of(std::string_view text, UrlStyle style);

/// The option's name for a note, or "..." if it may not be a name.
std::string shown_option(std::string_view name);

}  // namespace exporter::sql
