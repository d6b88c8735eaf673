#pragma once

#include <cstdint>
#include <string_view>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// A part of a statement; a statement is the concatenation of its tokens.
struct Token {
  enum class Kind : std::uint8_t { code, literal, name, comment, parameter, semicolon };
  Kind kind;
  std::string_view text;    ///< with its quotes; of a parameter, with its colon
  bool is_complete = true;  ///< whether a literal, a name or a comment is terminated
};

/// Removes the next token from `rest`, which must not be empty. Code is one word, one blank or one
/// sign.
Token next_token(std::string_view& rest, Dialect dialect) noexcept;

}  // namespace exporter::sql
