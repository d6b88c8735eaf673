#include "exporters/sql/tables_of.h"

#include <algorithm>
#include <array>
#include <vector>

#include "common/base/text.h"
#include "common/sql/tokens.h"

namespace exporter::sql {
namespace {

/// The words and signs of a query, without comments, literals and blanks.
std::vector<std::string_view> words_of(std::string_view query, Dialect dialect) {
  std::vector<std::string_view> words;
  while (!query.empty()) {
    const auto token = next_token(query, dialect);
    const bool says = token.kind == Token::Kind::code || token.kind == Token::Kind::name;
    if (says && !trim(token.text).empty()) words.push_back(token.text);
  }
  return words;
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::ranges::any_of(words, [&](auto each) { return equal_ignoring_case(word, each); });
}

class Reader {
 public:
  explicit Reader(std::vector<std::string_view> words) : words_(std::move(words)) {}

  std::set<std::string> read() {
    for (; at_ < words_.size(); ++at_) {
      constexpr std::array<std::string_view, 2> kBegins{"from", "join"};
      if (word(1) == "(" && is_one_of(word(0), std::array<std::string_view, 1>{"as"})) {
        note_definition();
      } else if (is_one_of(word(0), kBegins) && !is_in_call()) {
        read_list();
      }
    }
    for (const auto& name : defined_) tables_.erase(name);
    return tables_;
  }

 private:
  std::string_view word(std::size_t ahead) const {
    return at_ + ahead < words_.size() ? words_[at_ + ahead] : std::string_view();
  }

  /// `name AS (`, or `name (columns) AS (`: the definitions in WITH.
  void note_definition() {
    if (at_ == 0) return;
    auto before = at_ - 1;
    if (words_[before] == ")") {
      while (before > 0 && words_[before] != "(") --before;
      if (before > 0) --before;
    }
    defined_.insert(std::string(words_[before]));
  }

  /// FROM in extract(epoch FROM x), substring(x FROM 1), trim(x FROM y), IS DISTINCT FROM.
  bool is_in_call() const {
    if (at_ > 0 && equal_ignoring_case(words_[at_ - 1], "distinct")) return true;
    constexpr std::array<std::string_view, 5> kCalls{"extract", "substring", "trim", "overlay",
                                                     "position"};
    int depth = 0;
    for (auto i = at_; i-- > 0;) {
      if (words_[i] == ")") ++depth;
      if (words_[i] != "(") continue;
      if (depth-- > 0) continue;
      return i > 0 && is_one_of(words_[i - 1], kCalls);
    }
    return false;
  }

  /// Reads the tables after FROM up to the end of the list.
  void read_list() {
    constexpr std::array<std::string_view, 2> kFillers{"lateral", "only"};
    do {
      ++at_;
      while (is_one_of(word(0), kFillers)) ++at_;
      const auto name = read_name();
      if (!name.empty() && word(0) != "(") tables_.insert(name);
      skip_alias();
    } while (word(0) == ",");
    --at_;  // the loop continues after it
  }

  std::string read_name() {
    std::string name;
    if (word(0) == "(") return name;
    while (true) {
      name += word(0);
      ++at_;
      if (word(0) != ".") return name;
      name += '.';
      ++at_;
    }
  }

  void skip_alias() {
    constexpr std::array<std::string_view, 16> kAfter{
        "where", "join",  "left",  "right", "inner", "full",   "cross",  "natural",
        "on",    "group", "order", "limit", "union", "having", "window", "using"};
    if (equal_ignoring_case(word(0), "as")) ++at_;
    if (!word(0).empty() && valid_start(word(0)) && !is_one_of(word(0), kAfter)) ++at_;
  }

  static bool valid_start(std::string_view text) {
    return text[0] == '_' || text[0] == '"' || text[0] == '`' || text[0] == '[' ||
           (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z');
  }

  const std::vector<std::string_view> words_;
  std::size_t at_ = 0;
  std::set<std::string> tables_, defined_;
};

}  // namespace

std::set<std::string> tables_of(std::string_view query, Dialect dialect) {
  return Reader(words_of(query, dialect)).read();
}

std::set<std::string> privileges_of(std::string_view query, Dialect dialect) {
  if (dialect == Dialect::postgresql) {
    const auto is_monitored = [](const std::string& table) {
      return table.starts_with("pg_stat_") || table.starts_with("pg_catalog.pg_stat_");
    };
    if (std::ranges::any_of(tables_of(query, dialect), is_monitored)) return {"pg_monitor"};
    return {};
  }
  const auto words = words_of(query, dialect);
  if (words.empty() || !equal_ignoring_case(words.front(), "show")) return {};
  constexpr std::array<std::string_view, 4> kOfReplicas{"replica", "replicas", "slave", "slaves"};
  constexpr std::array<std::string_view, 3> kOfLogs{"master", "binary", "binlog"};
  const auto has = [&](const auto& any) {
    return std::ranges::any_of(words, [&](auto word) { return is_one_of(word, any); });
  };
  const bool is_mysql = dialect == Dialect::mysql;
  if (has(kOfReplicas)) return {is_mysql ? "REPLICATION CLIENT" : "REPLICA MONITOR"};
  if (has(kOfLogs)) return {is_mysql ? "REPLICATION CLIENT" : "BINLOG MONITOR"};
  return {};
}

std::string shape_of(std::string_view query, Dialect dialect) {
  std::string shape;
  while (!query.empty()) {
    const auto token = next_token(query, dialect);
    shape += token.kind == Token::Kind::literal ? std::string_view("?") : token.text;
  }
  return shape;
}

}  // namespace exporter::sql
