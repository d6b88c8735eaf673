#pragma once

#include <string>
#include <string_view>

namespace exporter::sql {

/// The text as a YAML scalar on one line, valid within brackets too.
std::string as_yaml(std::string_view text);

/// The text as a YAML scalar after a key that is indented by `indent`; on several lines if YAML can
/// represent them unchanged.
std::string as_yaml_block(std::string_view text, std::size_t indent);

/// The text as comment lines.
std::string as_comment(std::string_view text);

}  // namespace exporter::sql
