#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/sql/statement.h"
#include "common/sql/tokens.h"
#include "exporters/sql/tables_of.h"

using namespace exporter;
using namespace exporter::sql;

namespace {

using Pieces = std::vector<std::pair<Token::Kind, std::string>>;

constexpr std::string_view kValues[] = {"it's", "\\", "\\' OR 1=1 -- ", "/* $$ */ \"`]", "", "E"};
constexpr std::size_t kDialects = 6;

bool is_read_by_server(std::string_view comment) {
  return comment.starts_with("/*+") || comment.starts_with("/*!") || comment.starts_with("/*M!");
}

/// A statement as the server reads it, with the value's literal for each parameter; nothing if a
/// token is not terminated.
std::optional<Pieces> pieces_of(std::string_view text, Dialect dialect, std::string_view value) {
  Pieces pieces;
  std::size_t length = 0;
  const auto whole = text;
  while (!text.empty()) {
    const auto token = next_token(text, dialect);
    length += token.text.size();
    if (!token.is_complete) return std::nullopt;
    const bool is_comment = token.kind == Token::Kind::comment && !is_read_by_server(token.text);
    if (is_comment || token.kind == Token::Kind::semicolon || trim(token.text).empty()) continue;
    if (token.kind == Token::Kind::parameter) {
      pieces.emplace_back(Token::Kind::literal, literal(value, dialect));
    } else {
      pieces.emplace_back(token.kind, token.text);
    }
  }
  if (length != whole.size()) std::abort();
  return pieces;
}

/// The server must read a parameter as one literal, whatever is in it and around it, and nothing
/// else may change.
void check(std::string_view text, Dialect dialect, std::string_view value) {
  try {
    const Statement statement(text, dialect);
    Parameters parameters;
    for (const auto& name : statement.parameters()) parameters[name] = std::string(value);
    const auto written = statement.text(parameters);
    if (pieces_of(written, dialect, value) != pieces_of(text, dialect, value)) std::abort();
    if (!Statement(written, dialect).parameters().empty()) std::abort();
  } catch (const Error& error) {
    if (error.reason() != Reason::config) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto dialect = Dialect(data[0] % kDialects);
  const auto value = kValues[data[0] / kDialects % std::size(kValues)];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check(text, dialect, value);
  tables_of(text, dialect);
  privileges_of(text, dialect);
  shape_of(text, dialect);
  const auto middle = text.size() / 2;
  const auto message = without_data(text.substr(0, middle), text.substr(middle), dialect);
  if (message.find('\n') != message.npos) std::abort();
  return 0;
}
