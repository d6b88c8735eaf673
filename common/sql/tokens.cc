#include "common/sql/tokens.h"

#include <algorithm>

namespace exporter::sql {
namespace {

constexpr auto kNone = std::string_view::npos;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

bool is_mysql(Dialect dialect) { return dialect == Dialect::mariadb || dialect == Dialect::mysql; }

std::size_t word_length(std::string_view text) {
  const auto* end = std::find_if_not(text.begin(), text.end(), is_name);
  return static_cast<std::size_t>(end - text.begin());
}

/// The length of a quoted token, whose first byte is the quote; 0 if it is not terminated. A
/// doubled quote is a literal one.
std::size_t quoted_length(std::string_view text, char end, bool escapes) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (escapes && text[i] == '\\') {
      ++i;
    } else if (text[i] == end) {
      if (i + 1 == text.size() || text[i + 1] != end) return i + 1;
      ++i;
    }
  }
  return 0;
}

/// The same for /* a comment */; PostgreSQL and SQL Server nest them.
std::size_t comment_length(std::string_view text, bool nests) {
  int depth = 0;
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '/' && text[i + 1] == '*' && (nests || depth == 0)) {
      ++depth;
      ++i;
    } else if (text[i] == '*' && text[i + 1] == '/') {
      if (--depth == 0) return i + 2;
      ++i;
    }
  }
  return 0;
}

/// The same for PostgreSQL's $tag$ text $tag$; kNone if none starts here.
std::size_t dollar_length(std::string_view text) {
  const auto tag_end = text.find('$', 1);
  if (tag_end == kNone) return kNone;
  const auto tag = text.substr(1, tag_end - 1);
  if (!tag.empty() && (!is_name_start(tag[0]) || word_length(tag) != tag.size())) return kNone;
  const auto quote = text.substr(0, tag_end + 1);
  const auto end = text.find(quote, quote.size());
  return end == kNone ? 0 : end + quote.size();
}

/// In PostgreSQL a carriage return ends a line too.
std::size_t line_length(std::string_view text, bool returns) {
  return std::min(text.find_first_of(returns ? "\r\n" : "\n"), text.size() - 1) + 1;
}

class Scanner {
 public:
  Scanner(std::string_view text, Dialect dialect) : text_(text), dialect_(dialect) {}

  Token next() const {
    using Kind = Token::Kind;
    const char c = text_[0], after = text_.size() > 1 ? text_[1] : '\0';
    const bool mysql = is_mysql(dialect_), postgresql = dialect_ == Dialect::postgresql;
    if (c == '\'') return piece(Kind::literal, quoted_length(text_, '\'', mysql));
    if (postgresql && (c == 'e' || c == 'E') && after == '\'') return escaped_literal();
    if (c == '"')
      return piece(mysql ? Kind::literal : Kind::name, quoted_length(text_, '"', mysql));
    if (c == '`' && !postgresql && dialect_ != Dialect::sqlserver) {
      return piece(Kind::name, quoted_length(text_, '`', false));
    }
    if (c == '[' && dialect_ == Dialect::sqlserver) {
      return piece(Kind::name, quoted_length(text_, ']', false));
    }
    if (c == '[' && dialect_ == Dialect::sqlite) return piece(Kind::name, text_.find(']') + 1);
    if (c == '$' && postgresql) {
      if (const auto length = dollar_length(text_); length != kNone) {
        return piece(Kind::literal, length);
      }
    }
    if (starts_line_comment()) return piece(Kind::comment, line_length(text_, postgresql));
    if (c == '/' && after == '*') {
      const bool nests = postgresql || dialect_ == Dialect::sqlserver;
      return piece(Kind::comment, comment_length(text_, nests));
    }
    if (c == ';') return piece(Kind::semicolon, 1);
    if (c == ':' && (after == ':' || after == '=')) return piece(Kind::code, 2);
    if (c == ':' && is_name_start(after)) {
      return piece(Kind::parameter, 1 + word_length(text_.substr(1)));
    }
    return piece(Kind::code, is_name(c) ? code_length() : 1);
  }

 private:
  /// In MySQL two minus signs start a comment only before a blank.
  bool starts_line_comment() const {
    if (!is_mysql(dialect_)) return text_.starts_with("--");
    if (text_.starts_with('#')) return true;
    return text_.starts_with("--") &&
           (text_.size() == 2 || static_cast<unsigned char>(text_[2]) <= ' ');
  }

  /// PostgreSQL's words may contain dollar signs, which do not quote then.
  std::size_t code_length() const {
    const bool has_dollars = dialect_ == Dialect::postgresql && is_name_start(text_[0]);
    std::size_t length = 1;
    while (length < text_.size() &&
           (is_name(text_[length]) || (has_dollars && text_[length] == '$'))) {
      ++length;
    }
    return length;
  }

  /// E'it\'s': the quote is the second byte.
  Token escaped_literal() const {
    const auto length = quoted_length(text_.substr(1), '\'', true);
    return piece(Token::Kind::literal, length == 0 ? 0 : length + 1);
  }

  Token piece(Token::Kind kind, std::size_t length) const {
    return {kind, length == 0 ? text_ : text_.substr(0, length), length != 0};
  }

  std::string_view text_;
  Dialect dialect_;
};

}  // namespace

Token next_token(std::string_view& rest, Dialect dialect) noexcept {
  const auto token = Scanner(rest, dialect).next();
  rest.remove_prefix(token.text.size());
  return token;
}

}  // namespace exporter::sql
