#pragma once

#include <string>
#include <string_view>

namespace exporter::dbt {

/// The sub-command of a command line, "docs generate" of "dbt --target prod docs generate", as dbt
/// 1.0 to 2.0 reads it: what is before it are global options and their values. `ls` is "list".
/// Empty when it has none that dbt knows, as the command line of a program that runs dbt within.
std::string command_of(std::string_view command_line);

/// Whether the command of that name sets nodes to work, or tests them.
bool runs_nodes(std::string_view command);

}  // namespace exporter::dbt
