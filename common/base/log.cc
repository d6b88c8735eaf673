#include "common/base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>

#include "common/base/error.h"
#include "common/base/line_writer.h"
#include "common/base/text.h"
#include "common/base/time.h"

namespace exporter::log {
namespace {

constexpr std::size_t kMostText = 4096;  // of a field, whose text may come from others
constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};

std::atomic<Level> g_level{Level::info};
std::atomic<Format> g_format{Format::logfmt};

void append_quoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          out += "\\u00";
          out += kHex[(c >> 4) & 0xf];
          out += kHex[c & 0xf];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

bool is_plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) return false;
  }
  return true;
}

void append_text(std::string& out, Format format, std::string_view text) {
  std::string valid;
  append_utf8(valid, shortened(text, kMostText));
  if (text.size() > kMostText) valid += "...";
  if (format == Format::logfmt && is_plain(valid)) {
    out += valid;
  } else {
    append_quoted(out, valid);
  }
}

void append_number(std::string& out, Format format, double number) {
  if (!std::isfinite(number)) {
    append_text(out, format, std::isnan(number) ? "NaN" : number < 0 ? "-Inf" : "+Inf");
    return;
  }
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_value(std::string& out, Format format, const Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    append_text(out, format, *text);
  } else if (const auto* number = std::get_if<double>(&value)) {
    append_number(out, format, *number);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*integer);
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

void append_field(std::string& out, Format format, std::string_view key, const Value& value) {
  if (format == Format::json) {
    out += out.empty() ? "{\"" : ",\"";
    out += key;
    out += "\":";
  } else {
    if (!out.empty()) out += ' ';
    out += key;
    out += '=';
  }
  append_value(out, format, value);
}

std::string make_line(Level level, std::string_view message, std::initializer_list<Field> fields) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  return format_line(g_format, level, format_rfc3339(now), message, fields) + '\n';
}

std::string dropped_line(std::uint64_t lines) {
  return make_line(Level::warn, "log lines dropped, nobody read the log",
                   {{"lines", static_cast<std::int64_t>(lines)}});
}

/// Never destroyed, because threads may log while the process exits.
LineWriter& writer() {
  static auto& kWriter = *new LineWriter(STDERR_FILENO, &dropped_line);
  return kWriter;
}

template <class Names>
[[noreturn]] void refuse(std::string_view what, std::string_view name, const Names& names) {
  std::string message = std::string(what) + " \"" + std::string(name) + "\" is none of";
  for (const auto allowed : names) message += ' ' + std::string(allowed);
  throw Error(Reason::config, message);
}

}  // namespace

void configure(Level level, Format format) noexcept {
  g_level = level;
  g_format = format;
}

Level parse_level(std::string_view name) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i] == name) return static_cast<Level>(i);
  }
  refuse("log level", name, kLevels);
}

Format parse_format(std::string_view name) {
  if (name == "logfmt") return Format::logfmt;
  if (name == "json") return Format::json;
  refuse("log format", name, std::array<std::string_view, 2>{"logfmt", "json"});
}

bool enabled(Level level) noexcept { return level >= g_level.load(std::memory_order_relaxed); }

std::string format_line(Format format, Level level, std::string_view time_rfc3339,
                        std::string_view message, std::initializer_list<Field> fields) {
  std::string line;
  append_field(line, format, "ts", time_rfc3339);
  append_field(line, format, "level", kLevels[static_cast<std::size_t>(level)]);
  append_field(line, format, "msg", message);
  for (const auto& field : fields) {
    if (!field.key.empty()) append_field(line, format, field.key, field.value);
  }
  if (format == Format::json) line += '}';
  return line;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) noexcept {
  if (!enabled(level)) return;
  try {
    writer().write(make_line(level, message, fields));
  } catch (const std::exception&) {
    return;  // out of memory: the line is lost, the program goes on
  }
}

void flush(std::chrono::milliseconds at_most) noexcept { writer().flush(Clock::now() + at_most); }

std::uint64_t dropped() noexcept { return writer().dropped(); }

}  // namespace exporter::log
