#include "exporters/sql/import_yaml.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxCommentLine = 1000;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

/// Whether YAML reads it as a text without quotes.
bool is_plain(std::string_view text) {
  constexpr std::array<std::string_view, 9> kWords{"null", "true", "false", "yes", "no",
                                                   "on",   "off",  "y",     "n"};
  const auto is_first = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
  };
  const auto is_inner = [&](char c) {
    return is_first(c) || (c >= '0' && c <= '9') ||
           std::string_view(" .;=+()<>*%-").find(c) != std::string_view::npos;
  };
  return !text.empty() && is_first(text[0]) && std::ranges::all_of(text, is_inner) &&
         text.back() != ' ' &&
         std::ranges::none_of(kWords, [&](auto word) { return equal_ignoring_case(word, text); });
}

std::string quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result.append(1, '\\').append(1, c);
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (is_control(c)) {
      const auto byte = static_cast<unsigned char>(c);
      result.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 0xF]);
    } else {
      result += c;
    }
  }
  return result + '"';
}

}  // namespace

std::string as_yaml(std::string_view text) {
  return is_plain(text) ? std::string(text) : quoted(text);
}

std::string as_yaml_block(std::string_view text, std::size_t indent) {
  std::string lines;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!text.substr(i).starts_with("\r\n")) lines += text[i];
  }
  const auto is_odd = [](char c) { return is_control(c) && c != '\n' && c != '\t'; };
  const bool fits = lines.find('\n') != std::string::npos && !lines.empty() &&
                    trim(lines).size() == lines.size() && std::ranges::none_of(lines, is_odd);
  if (!fits) return as_yaml(lines);
  std::string result = "|-";
  std::string_view rest = lines;
  while (!rest.empty()) {
    const auto line = next_part(rest, '\n');
    result += '\n';
    if (!line.empty()) result.append(indent + 2, ' ').append(line);
  }
  return result;
}

std::string as_comment(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const auto line = printable(next_part(text, '\n'), kMaxCommentLine);
    result += result.empty() ? "# - " : "#   ";
    result += line + "\n";
  }
  return result;
}

}  // namespace exporter::sql
