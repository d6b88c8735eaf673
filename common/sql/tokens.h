#pragma once

#include <cstdint>
#include <string_view>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// A piece of a statement; all of them together are the statement.
struct Token {
  enum class Kind : std::uint8_t { code, literal, name, comment, parameter, semicolon };
  Kind kind;
  std::string_view text;    ///< with its quotes; of a parameter, with its colon
  bool is_complete = true;  ///< of a literal, a name or a comment that ends
};

/// Takes the next token off the front of `rest`, which is not empty. Code is one word, one blank or
/// one sign.
Token next_token(std::string_view& rest, Dialect dialect) noexcept;

}  // namespace exporter::sql
