#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace exporter::sql {

/// Who reads a URL: they differ in what a path is, and in how they write the name of an environment
/// variable: $NAME and ${NAME}; {{NAME}} and [[NAME]]; {{NAME}} stands for !env NAME here.
enum class UrlStyle : std::uint8_t { dburl, go_drivers, sqlalchemy };

/// The parts of a data source name, percent-decoded. The password is not among them.
struct ImportedUrl {
  std::string authority;  ///< host and port as they stand: "db:5432"
  std::string host, port;
  std::string user;
  std::string path;    ///< without its first slash
  std::string socket;  ///< a UNIX socket instead of a host
  std::vector<std::pair<std::string, std::string>> options;
  bool has_password = false, has_bad_port = false;
  std::string password_variable;  ///< the environment variable that the password is, if it is one
  std::string variables;          ///< "$HOST, $PORT": what else is in the environment
};

/// The scheme, in lower case; empty without one.
std::string scheme_of(std::string_view url);

/// Splits a URL, or one of Go's MySQL driver (mysql://user:password@tcp(host:port)/name). Nothing
/// when it is malformed, or when a part could hold a piece of a password that was not
/// percent-encoded. Of one that `is_file`, the path is all that follows the scheme.
std::optional<ImportedUrl> split_url(std::string_view url, UrlStyle style, bool is_file);

/// The name of the environment variable that the whole text stands for; empty for other texts.
std::string variable_of(std::string_view text, UrlStyle style);

/// The option's name for a note, or "..." where it may not be a name.
std::string shown_option(std::string_view name);

}  // namespace exporter::sql
