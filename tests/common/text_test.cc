#include "common/base/text.h"

#include <array>
#include <catch2/catch.hpp>
#include <limits>
#include <vector>

using namespace exporter;

namespace {

constexpr std::string_view kBad = "\xEF\xBF\xBD";

std::string cleaned(std::string_view text) {
  std::string out = ">";
  append_utf8(out, text);
  return out.substr(1);
}

std::string bad(std::size_t count, std::string_view rest = {}) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += kBad;
  return text.append(rest);
}

/// The UTF-8 form of a number up to 0x1FFFFF, also of surrogates and numbers beyond Unicode.
std::string encoded(std::uint32_t code) {
  const auto tail = [code](int shift) {
    return static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) return {static_cast<char>(code)};
  if (code < 0x800) return {static_cast<char>(0xC0 | (code >> 6)), tail(0)};
  if (code < 0x10000) return {static_cast<char>(0xE0 | (code >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) words.push_back(word);
  return words;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(next_part(text, '\n'));
  return lines;
}

}  // namespace

TEST_CASE("trim takes blanks, tabs and line ends off both ends only") {
  CHECK(trim("") == "");
  CHECK(trim(" \t\r\n") == "");
  CHECK(trim("a") == "a");
  CHECK(trim("\r\n\t a b\tc \n") == "a b\tc");
  CHECK(trim("\v a") == "\v a");
}

TEST_CASE("next_part reads lines, with and without a last newline") {
  using Lines = std::vector<std::string_view>;
  CHECK(lines_of("") == Lines{});
  CHECK(lines_of("a\n\nb") == Lines{"a", "", "b"});
  CHECK(lines_of("a\nb\n") == Lines{"a", "b"});
  CHECK(lines_of("\n") == Lines{""});
}

TEST_CASE("next_part takes all of a text without the separator") {
  std::string_view rest = "key";
  CHECK(next_part(rest, '=') == "key");
  CHECK(rest.empty());
  CHECK(next_part(rest, '=').empty());
}

TEST_CASE("next_word takes words between blanks and tabs, and no other space") {
  using Words = std::vector<std::string_view>;
  CHECK(words_of("") == Words{});
  CHECK(words_of(" \t ") == Words{});
  CHECK(words_of("  one\ttwo \t three") == Words{"one", "two", "three"});
  CHECK(words_of("a\nb c") == Words{"a\nb", "c"});
}

TEST_CASE("next_word leaves the rest from the separator on") {
  std::string_view rest = " a  b";
  CHECK(next_word(rest) == "a");
  CHECK(rest == "  b");
}

TEST_CASE("a number is the whole text and fits") {
  CHECK(parse_number<int>("-12") == -12);
  CHECK(parse_number<std::uint64_t>("18446744073709551615") ==
        std::numeric_limits<std::uint64_t>::max());
  CHECK(parse_number<std::uint64_t>("18446744073709551616") == std::nullopt);
  CHECK(parse_number<std::int64_t>("-9223372036854775808") ==
        std::numeric_limits<std::int64_t>::min());
  CHECK(parse_number<std::uint32_t>("-1") == std::nullopt);
  CHECK(parse_number<int>("ff", 16) == 255);
  CHECK(parse_number<int>("0xff", 16) == std::nullopt);
  CHECK(parse_number<double>("1.5e3") == 1500.0);
  CHECK(parse_number<double>("1e999") == std::nullopt);
  for (const auto* text : {"", " 1", "1 ", "+1", "1x", "-", "abc"}) {
    CAPTURE(text);
    CHECK(parse_number<int>(text) == std::nullopt);
    CHECK(parse_number<double>(text) == std::nullopt);
  }
  CHECK(parse_number<int>("1.0") == std::nullopt);
}

TEST_CASE("every Unicode character is valid UTF-8, surrogates and larger numbers are not") {
  for (std::uint32_t code = 0; code < 0x120000; ++code) {
    const bool valid = code < 0x110000 && (code < 0xD800 || code > 0xDFFF);
    const auto text = encoded(code);
    if (valid_utf8(text) != valid) FAIL("character " << code);
    if (valid && cleaned(text) != text) FAIL("character " << code);
  }
}

TEST_CASE("every pair of bytes is replaced as the Encoding Standard's decoder does") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text = {static_cast<char>(first), static_cast<char>(second)};
      const auto alone = [](int byte) { return byte < 0x80 ? 1 : 0; };
      const bool pair = first >= 0xC2 && first <= 0xDF && second >= 0x80 && second <= 0xBF;
      const bool part =
          (first == 0xE0 && second >= 0xA0 && second <= 0xBF) ||
          (first == 0xED && second >= 0x80 && second <= 0x9F) ||
          (first >= 0xE1 && first <= 0xEF && first != 0xED && second >= 0x80 && second <= 0xBF) ||
          (first == 0xF0 && second >= 0x90 && second <= 0xBF) ||
          (first >= 0xF1 && first <= 0xF3 && second >= 0x80 && second <= 0xBF) ||
          (first == 0xF4 && second >= 0x80 && second <= 0x8F);
      std::string expected;
      if (pair) {
        expected = text;
      } else if (part) {
        expected = kBad;
      } else {
        expected += alone(first) ? text.substr(0, 1) : std::string(kBad);
        expected += alone(second) ? text.substr(1) : std::string(kBad);
      }
      if (cleaned(text) != expected) FAIL("bytes " << first << " " << second);
    }
  }
}

TEST_CASE("each maximal part of a broken character becomes one U+FFFD") {
  // Unicode 15, 3.9, tables 3-8 to 3-11.
  CHECK(cleaned("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41") == bad(8, "A"));
  CHECK(cleaned("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41") == bad(8, "A"));
  CHECK(cleaned("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42") == bad(5, "A") + bad(2, "B"));
  CHECK(cleaned("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41") == bad(4, "A"));
}

TEST_CASE("broken UTF-8 is found at any distance from the start and cut off at the end") {
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string before(length, 'x');
    CAPTURE(length);
    CHECK(cleaned(before + "\xFF" + "é") == before + bad(1, "é"));
    CHECK(cleaned(before + "\xF0\x9F\x98") == before + bad(1));
    CHECK(cleaned(before + "😀") == before + "😀");
    CHECK(!valid_utf8(before + "\xC3"));
    CHECK(valid_utf8(before + "\xC3\xA9"));
  }
}

TEST_CASE("append_utf8 keeps what is there and NUL bytes") {
  std::string out = "a";
  append_utf8(out, std::string_view("\0b", 2));
  CHECK(out == std::string("a\0b", 3));
  append_utf8(out, "");
  CHECK(out.size() == 3);
}

TEST_CASE("nearest finds what is at most a third of the word away") {
  constexpr std::array<std::string_view, 4> kKeys = {"url", "timeout", "interval", "password_file"};
  CHECK(nearest("urll", kKeys) == "url");
  CHECK(nearest("ulr", kKeys) == "url");
  CHECK(nearest("lur", kKeys) == "");
  CHECK(nearest("rul", kKeys) == "url");
  CHECK(nearest("intrevla", kKeys) == "interval");
  CHECK(nearest("urx", kKeys) == "url");
  CHECK(nearest("timeuot", kKeys) == "timeout");
  CHECK(nearest("time", kKeys) == "");
  CHECK(nearest("pasword_fle", kKeys) == "password_file");
  CHECK(nearest("url", kKeys) == "url");
  CHECK(nearest("", kKeys) == "");
  CHECK(nearest("abc", {}) == "");
}

TEST_CASE("nearest prefers the smaller distance, then the first") {
  constexpr std::array<std::string_view, 3> kKeys = {"abcdeg", "abcdeh", "abcdef"};
  CHECK(nearest("abcdef", kKeys) == "abcdef");
  CHECK(nearest("abcdex", kKeys) == "abcdeg");
}

TEST_CASE("texts are joined by a separator") {
  const auto of = [](std::vector<std::string> texts) { return joined(texts); };
  CHECK(of({}) == "");
  CHECK(of({"a"}) == "a");
  CHECK(of({"", "b", ""}) == ", b, ");
  const std::vector<std::string> two{"a", "b"};
  CHECK(joined(two, "|") == "a|b");
}

TEST_CASE("a printable text is one line of valid UTF-8, and not longer than it may be") {
  CHECK(printable("", 3) == "");
  CHECK(printable("abc", 3) == "abc");
  CHECK(printable("abcd", 3) == "abc...");
  CHECK(printable("a\r\n\x1b[1m\x7f", 20) == "a   [1m ");
  CHECK(printable("a\xFF", 20) == "a" + bad(1));
  CHECK(printable("\u00e4\u00e4", 3) == "\u00e4...");
  CHECK(printable("\u20ac", 2) == "...");
}
