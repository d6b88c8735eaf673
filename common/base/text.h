#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

/// Small functions on text that the standard library lacks. Views borrow; none throws.
namespace exporter {

/// The text without blanks and newlines at both ends.
std::string_view trim(std::string_view text) noexcept;

/// Whether the texts are equal, ignoring the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// The text with ASCII letters in lower, or in upper case.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

/// The texts with the separator between them.
std::string joined(std::span<const std::string> texts, std::string_view separator = ", ");

/// Removes the part before the first `separator` from `rest` and returns it; all of `rest` if there
/// is none. `while (!rest.empty()) next_part(rest, '\n')` reads lines.
std::string_view next_part(std::string_view& rest, char separator) noexcept;

/// Removes the next word (separated by blanks or tabs) from `rest` and returns it; empty at the
/// end.
std::string_view next_word(std::string_view& rest) noexcept;

/// The whole text as a number; nothing if characters are left over or it is out of range.
template <class Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) noexcept {
  Number value{};
  const char* end = text.data() + text.size();
  const auto result = [&] {
    if constexpr (std::is_floating_point_v<Number>) {
      return std::from_chars(text.data(), end, value);
    } else {
      return std::from_chars(text.data(), end, value, base);
    }
  }();
  if (result.ec != std::errc{} || result.ptr != end || text.empty()) return std::nullopt;
  return value;
}

/// Eight bytes of the text from `at`, which is in it; zeros beyond its end.
inline std::uint64_t word_at(std::string_view text, std::size_t at) noexcept {
  std::uint64_t word = 0;
  if (at + sizeof word <= text.size()) {
    std::memcpy(&word, text.data() + at, sizeof word);
  } else {
    std::memcpy(&word, text.data() + at, text.size() - at);
  }
  return word;
}

/// Appends `text`, each maximal invalid UTF-8 part replaced by U+FFFD (Unicode 15, 3.9, table 3-8).
void append_utf8(std::string& out, std::string_view text);

/// At most that many bytes of the start, without a partial character if the text is UTF-8.
std::string_view shortened(std::string_view text, std::size_t most);

/// The text for a log line: valid UTF-8, control characters replaced by blanks, and anything beyond
/// `most` bytes replaced by "...".
std::string printable(std::string_view text, std::size_t most);

/// Whether the whole text is valid UTF-8.
bool valid_utf8(std::string_view text) noexcept;

/// The candidate nearest to `word` (at most one typing error per three letters), for "did you
/// mean"; empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace exporter
