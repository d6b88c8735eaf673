#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// What a named parameter stands for.
using Parameter = std::variant<std::int64_t, double, std::string, Time>;
using Parameters = std::map<std::string, Parameter, std::less<>>;

/// One SQL statement with named parameters, `:since`. A colon in a literal, a quoted name, a
/// comment or a cast (`::date`) starts none. Parameters become literals, as drivers count `?` where
/// none is meant. Comments but hints are left out: psqlodbc looks at a statement's first word, and
/// adds to its end.
class Statement {
 public:
  /// Throws Error{config} that says where a literal or a comment does not end, and when the text is
  /// empty or holds more than one statement. A semicolon at the end is dropped.
  Statement(std::string_view text, Dialect dialect);

  /// The names of its parameters, each once, in order.
  const std::vector<std::string>& parameters() const { return parameters_; }

  /// The text with its parameters replaced. Throws Error{config} naming the one that is missing.
  std::string text(const Parameters& parameters) const;

 private:
  struct Part {
    std::string text;  ///< as it stands, or the name of a parameter
    bool is_parameter;
  };

  Dialect dialect_;
  std::vector<Part> parts_;
  std::vector<std::string> parameters_;
};

/// A driver's message about a statement without what may be data: what is quoted in it stays only
/// where it is a name that stands in the statement outside of its literals; anything else, and
/// whatever the literals hold, becomes "…". One line, at most 500 bytes.
std::string without_data(std::string_view message, std::string_view statement, Dialect dialect);

}  // namespace exporter::sql
