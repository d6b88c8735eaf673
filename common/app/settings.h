#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace exporter {

class Yaml;

/// A setting of an exporter: `--collector.netdev.device-exclude=REGEXP` on the command line, or
/// `collector: {netdev: {device-exclude: REGEXP}}` in the configuration file. The command line
/// wins.
struct Flag {
  enum class Kind { value, boolean, repeated };
  std::string_view name;      ///< without the dashes
  std::string_view fallback;  ///< the default; "true" or "false" for a boolean
  std::string_view help;
  Kind kind = Kind::value;
  std::string_view former = {};  ///< an older name that the command line still accepts
};

/// The values of all flags of one configuration. Immutable once read; a getter throws Error{config}
/// with the origin of a value ("--x" or "file:line:column: path") that has the wrong type.
class Settings {
 public:
  /// Sources of a value, by priority: `given` (the command line), `file`, the flag's fallback.
  Settings(std::span<const Flag> flags,
           const std::map<std::string, std::vector<std::string>>& given, const Yaml* file);

  const std::string& text(std::string_view flag) const;
  const std::vector<std::string>& texts(std::string_view flag) const;  ///< of a repeated flag
  bool enabled(std::string_view flag) const;
  std::chrono::milliseconds duration(std::string_view flag) const;
  std::size_t count(std::string_view flag) const;
  /// Whether the flag was not given, so that its value is the fallback.
  bool is_default(std::string_view flag) const;
  /// Where the value comes from: "--x" or "file:line:column: path".
  const std::string& origin(std::string_view flag) const;

  /// Fails if both flags were given: they are mutually exclusive.
  void at_most_one_of(std::string_view flag, std::string_view other) const;

  /// Throws as the getters do, for checks that only the flag's owner can make.
  [[noreturn]] void fail(std::string_view flag, std::string_view why) const;

 private:
  struct Value {
    std::vector<std::string> texts;
    std::string origin;
    bool given = true;
  };
  const Value& value(std::string_view flag) const;

  std::map<std::string, Value, std::less<>> values_;
};

/// Selects names by two regular expressions in Go's syntax (RE2), like node_exporter's include and
/// exclude flags: excludes a name if `exclude` matches or `include` does not. If the include flag
/// is given, the exclude flag has no default.
class Filter {
 public:
  /// What an expression must match: a part of the name, or the whole name.
  enum class Match { part, whole };

  /// Reads the two flags; an empty flag name or expression filters nothing. Throws Error{config}
  /// with the origin of an invalid expression.
  Filter(const Settings& settings, std::string_view include_flag, std::string_view exclude_flag,
         Match match = Match::part);
  /// The same for two keys of a map.
  Filter(const Yaml& map, std::string_view include_key, std::string_view exclude_key,
         Match match = Match::part);
  bool passes(std::string_view name) const;

 private:
  bool fits(std::string_view name, const re2::RE2& expression) const;

  std::shared_ptr<const re2::RE2> include_, exclude_;
  Match match_;
};

}  // namespace exporter
