#pragma once

#include <string>
#include <string_view>

namespace exporter::sql {

/// The text as a YAML scalar that stands in one line, also within brackets.
std::string as_yaml(std::string_view text);

/// The text as a YAML scalar behind a key that is indented by `indent`: of several lines, where
/// YAML can have them as they are.
std::string as_yaml_block(std::string_view text, std::size_t indent);

/// The text as lines of a comment.
std::string as_comment(std::string_view text);

}  // namespace exporter::sql
