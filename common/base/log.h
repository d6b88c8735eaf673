#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

/// Writes one line per event to standard error: a lower-case message and fields, as logfmt or JSON.
namespace exporter::log {

enum class Level { debug, info, warn, error };
enum class Format { logfmt, json };

/// The value of a field. A Secret does not convert to it.
using Value = std::variant<std::string_view, double, std::int64_t, bool>;

struct Field {
  std::string_view key;  ///< a field with an empty key is left out
  Value value;
};

/// Sets the level and the format for the whole process.
void configure(Level level, Format format) noexcept;

/// The level or format of that name; throws Error{config} naming the allowed ones.
Level parse_level(std::string_view name);
Format parse_format(std::string_view name);

/// Whether write() would write a line at this level.
bool enabled(Level level) noexcept;

/// The line without its newline, as write() formats it: for tests and the access log.
std::string format_line(Format format, Level level, std::string_view time_rfc3339,
                        std::string_view message, std::initializer_list<Field> fields);

/// Writes one line in one write(2), so that lines of several threads do not mix. Never throws and
/// never waits for the log's reader (see LineWriter); dropped lines are counted, and a line in
/// their place reports them.
void write(Level level, std::string_view message,
           std::initializer_list<Field> fields = {}) noexcept;

/// Waits until all lines are written, for at most that long: before the process exits.
void flush(std::chrono::milliseconds at_most) noexcept;

/// How many lines were dropped since the process started.
std::uint64_t dropped() noexcept;

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
  write(Level::info, message, fields);
}
inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
  write(Level::warn, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) noexcept {
  write(Level::error, message, fields);
}

}  // namespace exporter::log
