#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

/// One line an event on standard error: lower-case message and fields, logfmt or JSON.
namespace exporter::log {

enum class Level { debug, info, warn, error };
enum class Format { logfmt, json };

/// A field's value. A Secret does not fit.
using Value = std::variant<std::string_view, double, std::int64_t, bool>;

struct Field {
  std::string_view key;
  Value value;
};

/// Sets what is written and how, for the whole process.
void configure(Level level, Format format) noexcept;

/// The level or format of that name; throws Error{config} naming the allowed ones.
Level parse_level(std::string_view name);
Format parse_format(std::string_view name);

/// Whether write() would write a line at this level.
bool enabled(Level level) noexcept;

/// The line without its newline, as write() makes it: for tests and for the access log.
std::string format_line(Format format, Level level, std::string_view time_rfc3339,
                        std::string_view message, std::initializer_list<Field> fields);

/// Writes one line in one write(2), so that lines of threads do not mix. Never throws, and never
/// waits for whoever reads the log (LineWriter): lines that are dropped because nobody does are
/// counted, and a line in their place says so.
void write(Level level, std::string_view message,
           std::initializer_list<Field> fields = {}) noexcept;

/// Waits until what was logged is written, at most so long: before the process ends.
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
