#include "common/sql/statement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/metric/format.h"
#include "common/sql/tokens.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxMessage = 500;
constexpr std::string_view kHidden = "…";
constexpr std::size_t kShortestSecret = 3;  // of a literal, in bytes: shorter ones are common

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_blank(std::string_view text) { return trim(text).empty(); }

std::size_t line_of(std::string_view text, std::string_view at) {
  const auto* begin = text.data();
  return 1 + static_cast<std::size_t>(std::count(begin, at.data(), '\n'));
}

/// Comments with a meaning for a server or an extension: /*+ hints */, and MySQL's /*! code */.
bool is_read_by_server(std::string_view comment) {
  return comment.starts_with("/*+") || comment.starts_with("/*!") || comment.starts_with("/*M!");
}

std::string what_is(Token::Kind kind) {
  if (kind == Token::Kind::comment) return "the comment";
  return kind == Token::Kind::name ? "the quoted name" : "the literal";
}

std::string to_literal(const Parameter& parameter, Dialect dialect) {
  if (const auto* integer = std::get_if<std::int64_t>(&parameter)) return std::to_string(*integer);
  if (const auto* text = std::get_if<std::string>(&parameter)) return literal(*text, dialect);
  if (const auto* time = std::get_if<Time>(&parameter)) return literal(*time, dialect);
  const double value = std::get<double>(parameter);
  if (!std::isfinite(value)) throw Error(Reason::config, "a number in a statement must be finite");
  std::string number;
  append_value(number, value);
  return number;
}

bool is_word(char c) {
  return is_letter(c) || c == '_' || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

/// Separates the next piece. In MySQL, two minus signs and a blank would start a comment.
void set_apart(std::string& text) { text += text.ends_with("--") ? "/**/" : " "; }

/// Whether the line break of a comment would join two of PostgreSQL's literals into one.
bool joins_literals(std::string_view code, std::string_view comment, Dialect dialect) {
  return dialect == Dialect::postgresql && comment.starts_with("--") && trim(code).ends_with('\'');
}

/// Appends a literal, or what follows one, so that it does not merge with the text before it: -:n
/// must not become a comment if n is -5, nor E:n a literal with escapes.
void append_apart(std::string& text, std::string_view piece) {
  if (text.empty() || piece.empty()) return void(text += piece);
  const char last = text.back(), first = piece.front();
  const bool is_quote = first == '\'' || first == '"';
  const bool is_same = last == first && (is_quote || first == '-');
  if (is_same || (is_word(last) && (is_quote || is_word(first)))) set_apart(text);
  text += piece;
}

/// The content of a statement: the names and words of its code, and the content of its literals.
struct Vocabulary {
  std::set<std::string, std::less<>> names;
  std::vector<std::string> secrets;

  Vocabulary(std::string_view statement, Dialect dialect) {
    while (!statement.empty()) {
      const auto token = next_token(statement, dialect);
      if (token.kind == Token::Kind::literal) add_secret(token.text);
      if (token.kind == Token::Kind::name) names.insert(to_lower(inner(token.text)));
      if (token.kind == Token::Kind::code) names.insert(to_lower(token.text));
    }
    // The longest first, because a shorter one may be a part of it.
    std::sort(secrets.begin(), secrets.end(),
              [](const auto& a, const auto& b) { return a.size() > b.size(); });
  }

  /// Whether all of its words occur in the code: "public.orders".
  bool knows(std::string_view text) const {
    while (!text.empty()) {
      const auto word = next_part(text, '.');
      if (!names.contains(to_lower(word))) return false;
    }
    return true;
  }

 private:
  static std::string_view inner(std::string_view quoted) {
    return quoted.size() < 2 ? quoted : quoted.substr(1, quoted.size() - 2);
  }

  /// Both as written and as the server reads it, with doubled quotes reduced to one.
  void add_secret(std::string_view literal) {
    literal.remove_prefix(std::min(literal.find_first_of("'\"$"), literal.size()));
    if (literal.starts_with('$')) {
      const auto tag = literal.find('$', 1);  // $tag$ text $tag$
      return add(literal.substr(tag + 1, literal.size() - 2 * (tag + 1)));
    }
    const auto text = inner(literal);
    add(text);
    std::string read;
    for (std::size_t i = 0; i < text.size(); ++i) {
      read += text[i];
      if (text.substr(i, 2) == "''" || text.substr(i, 2) == "\"\"") ++i;
    }
    if (read != text) add(read);
  }

  void add(std::string_view text) {
    if (text.size() >= kShortestSecret) secrets.emplace_back(text);
  }
};

/// Quotation marks; the non-ASCII ones occur in PostgreSQL's translations.
struct Quote {
  std::string_view open, close;
};
constexpr std::array<Quote, 6> kQuotes{
    {{"'", "'"}, {"\"", "\""}, {"`", "`"}, {"«", "»"}, {"»", "«"}, {"„", "“"}}};

/// Whether it is an apostrophe and not a quote: can't.
bool is_apostrophe(std::string_view text, std::size_t at) {
  return text[at] == '\'' && at > 0 && at + 1 < text.size() && is_letter(text[at - 1]) &&
         is_letter(text[at + 1]);
}

const Quote* quote_at(std::string_view text, std::size_t at) {
  if (is_apostrophe(text, at)) return nullptr;
  const auto starts = [&](const Quote& quote) { return text.substr(at).starts_with(quote.open); };
  const auto* found = std::find_if(kQuotes.begin(), kQuotes.end(), starts);
  return found == kQuotes.end() ? nullptr : found;
}

std::vector<std::size_t> places_of(std::string_view mark, std::string_view text) {
  std::vector<std::size_t> places;
  for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at + mark.size())) {
    if (!is_apostrophe(text, at)) places.push_back(at);
  }
  return places;
}

/// As in French messages: « name ».
std::string_view without_margin(std::string_view quoted) {
  constexpr std::string_view kNoBreak = "\u00a0";
  if (quoted.starts_with(kNoBreak)) quoted.remove_prefix(kNoBreak.size());
  if (quoted.ends_with(kNoBreak)) quoted.remove_suffix(kNoBreak.size());
  return trim(quoted);
}

/// A message whose quoted parts are hidden unless they are names.
class Quoting {
 public:
  Quoting(std::string_view message, const Vocabulary& vocabulary)
      : message_(message), vocabulary_(vocabulary) {}

  std::string hidden() const {
    std::string result;
    for (std::size_t at = 0; at < message_.size();) {
      const auto* quote = quote_at(message_, at);
      if (quote == nullptr) {
        result += message_[at++];
        continue;
      }
      const auto begin = at + quote->open.size();
      const auto piece = piece_of(*quote, begin);
      result.append(quote->open).append(piece.is_name ? text(begin, piece) : kHidden);
      result += quote->close;
      at = std::min(piece.end + quote->close.size(), message_.size());
    }
    return result;
  }

 private:
  struct Piece {
    std::size_t end;  ///< the position of the closing mark; the end of the message if there is none
    bool is_name;
  };

  std::string_view text(std::size_t begin, const Piece& piece) const {
    return message_.substr(begin, piece.end - begin);
  }

  /// A quoted part may contain quotes, because drivers do not double them. Unless it is a name, it
  /// extends to the last closing mark, or to the end of the message if the marks are unbalanced.
  Piece piece_of(const Quote& quote, std::size_t begin) const {
    const auto ends = places_of(quote.close, message_);
    const auto next = std::lower_bound(ends.begin(), ends.end(), begin);
    const bool are_pairs = quote.open != quote.close || ends.size() % 2 == 0;
    if (next == ends.end() || !are_pairs) return {message_.size(), false};
    const auto name = without_margin(text(begin, {*next, true}));
    if (!name.empty() && vocabulary_.knows(name)) return {*next, true};
    const auto account = message_.substr(*next).starts_with("'@'") ? next + 2 : ends.end();
    return {account < ends.end() ? *account : ends.back(), false};
  }

  std::string_view message_;
  const Vocabulary& vocabulary_;
};

}  // namespace

Statement::Statement(std::string_view text, Dialect dialect) : dialect_(dialect) {
  const auto whole = text;
  bool has_code = false, has_ended = false;
  std::string code;
  while (!text.empty()) {
    const auto token = next_token(text, dialect);
    if (!token.is_complete) {
      throw Error(Reason::config, what_is(token.kind) + " in line " +
                                      std::to_string(line_of(whole, token.text)) +
                                      " of the statement is not terminated");
    }
    if (token.kind == Token::Kind::semicolon) {
      if (code.ends_with("--")) set_apart(code);
      has_ended = true;
      continue;
    }
    if (token.kind == Token::Kind::comment && !is_read_by_server(token.text)) {
      joins_literals(code, token.text, dialect) ? void(code += '\n') : set_apart(code);
      continue;
    }
    if (!is_blank(token.text)) {
      if (has_ended) throw Error(Reason::config, "expected one statement, found more");
      has_code |= token.kind != Token::Kind::comment;
    }
    if (token.kind != Token::Kind::parameter) {
      code += token.text;
      continue;
    }
    const std::string name(token.text.substr(1));
    parts_.push_back({std::move(code), false});
    parts_.push_back({name, true});
    code.clear();
    if (std::find(parameters_.begin(), parameters_.end(), name) == parameters_.end()) {
      parameters_.push_back(name);
    }
  }
  if (!has_code) throw Error(Reason::config, "the statement is empty");
  parts_.push_back({std::move(code), false});
}

std::string Statement::text(const Parameters& parameters) const {
  std::string result;
  for (const auto& part : parts_) {
    if (!part.is_parameter) {
      append_apart(result, part.text);
      continue;
    }
    const auto found = parameters.find(part.text);
    if (found == parameters.end()) {
      throw Error(Reason::config, "the statement's parameter :" + part.text + " has no value");
    }
    append_apart(result, to_literal(found->second, dialect_));
  }
  return result;
}

std::string without_data(std::string_view message, std::string_view statement, Dialect dialect) {
  const Vocabulary vocabulary(statement, dialect);
  std::string text(message);
  for (const auto& secret : vocabulary.secrets) {
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      text.replace(at, secret.size(), kHidden);
      at += kHidden.size();
    }
  }
  return printable(Quoting(text, vocabulary).hidden(), kMaxMessage);
}

}  // namespace exporter::sql
