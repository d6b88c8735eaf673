#include "exporters/sql/import_sql.h"

#include "common/base/text.h"
#include "common/sql/tokens.h"

namespace exporter::sql {

std::string without_end(std::string_view query, Dialect dialect) {
  std::string result;
  std::size_t end = 0;
  while (!query.empty()) {
    const auto token = next_token(query, dialect);
    const bool is_filler = token.kind == Token::Kind::semicolon ||
                           token.kind == Token::Kind::comment || trim(token.text).empty();
    result += token.text;
    if (!is_filler) end = result.size();
  }
  return std::string(trim(result.substr(0, end)));
}

std::string normalized(std::string_view query, Dialect dialect) {
  std::string result;
  while (!query.empty()) {
    const auto token = next_token(query, dialect);
    const bool is_filler = token.kind == Token::Kind::comment || trim(token.text).empty();
    if (!is_filler) result.append(token.text).append(1, ' ');
  }
  return result;
}

bool is_subquery(std::string_view query, Dialect dialect) {
  while (!query.empty()) {
    const auto token = next_token(query, dialect);
    if (token.kind == Token::Kind::comment || trim(token.text).empty()) continue;
    if (equal_ignoring_case(token.text, "select")) return true;
    // SQL Server does not allow WITH within another one.
    return equal_ignoring_case(token.text, "with") && dialect != Dialect::sqlserver;
  }
  return false;
}

std::string quoted_name(std::string_view name, Dialect dialect) {
  const bool is_mysql = dialect == Dialect::mariadb || dialect == Dialect::mysql;
  const bool is_bracket = dialect == Dialect::sqlserver;
  const char open = is_mysql ? '`' : is_bracket ? '[' : '"';
  const char close = is_bracket ? ']' : open;
  std::string result(1, open);
  for (const char c : name) {
    if (c == close) result += c;
    result += c;
  }
  return result + close;
}

std::string with_parameters(std::string_view query, Dialect dialect,
                            const std::map<std::string, std::string>& names) {
  std::string result;
  while (!query.empty()) {
    const auto token = next_token(query, dialect);
    const bool is_parameter = token.kind == Token::Kind::parameter;
    const auto found = is_parameter ? names.find(std::string(token.text.substr(1))) : names.end();
    result += found == names.end() ? std::string(token.text) : ":" + found->second;
  }
  return result;
}

std::string unpivoted(std::string_view query, Dialect dialect, const Unpivoting& how) {
  std::vector<std::string> labels;
  for (const auto& [column, label] : how.labels) {
    labels.push_back(quoted_name(column, dialect));
    if (column != label) labels.back() += " AS " + quoted_name(label, dialect);
  }
  const auto select = [&](std::vector<std::string> columns) {
    std::string text;
    for (const auto& column : columns) text += (text.empty() ? "SELECT " : ", ") + column;
    return text + " FROM imported";
  };
  auto text = "WITH imported AS (\n" + std::string(query) + "\n)\n";
  if (how.values.empty()) return text + select(labels);
  for (const auto& value : how.values) {
    auto columns = labels;
    if (!how.value_label.empty()) {
      columns.push_back(literal(value, dialect) + " AS " + quoted_name(how.value_label, dialect));
    }
    columns.push_back(quoted_name(value, dialect) + " AS " + std::string(kUnpivotedValue));
    text += (&value == how.values.data() ? "" : "\nUNION ALL ") + select(std::move(columns));
  }
  return text;
}

std::string united(const std::vector<std::string>& queries) {
  std::string text;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (i > 0) text += "\nUNION ALL\n";
    text += "SELECT * FROM (\n" + queries[i] + "\n) set_" + std::to_string(i + 1);
  }
  return text;
}

}  // namespace exporter::sql
