#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// The value of a named parameter.
using Parameter = std::variant<std::int64_t, double, std::string, Time>;
using Parameters = std::map<std::string, Parameter, std::less<>>;

/// An SQL statement with named parameters, `:since`. A colon in a literal, a quoted name, a comment
/// or a cast (`::date`) does not start one. Parameters are replaced with literals, because drivers
/// count `?` in the wrong places. Comments other than hints are removed: psqlodbc examines a
/// statement's first word and appends to its end.
class Statement {
 public:
  /// Throws Error{config} with the position of an unterminated literal or comment, and if the text
  /// is empty or has more than one statement. A semicolon at the end is removed.
  Statement(std::string_view text, Dialect dialect);

  /// The names of its parameters, each once, in order.
  const std::vector<std::string>& parameters() const { return parameters_; }

  /// The text with its parameters replaced. Throws Error{config} naming a missing one.
  std::string text(const Parameters& parameters) const;

 private:
  struct Part {
    std::string text;  ///< the text itself, or the name of a parameter
    bool is_parameter;
  };

  Dialect dialect_;
  std::vector<Part> parts_;
  std::vector<std::string> parameters_;
};

/// A driver's message about a statement without anything that may be data: a quoted part stays only
/// if it is a name that occurs in the statement outside of its literals; everything else, and the
/// content of the literals, becomes "…". One line, at most 500 bytes.
std::string without_data(std::string_view message, std::string_view statement, Dialect dialect);

}  // namespace exporter::sql
