#pragma once

#include <string>
#include <string_view>

namespace exporter::dbt {

/// The sub-command of a command line, "docs generate" of "dbt --target prod docs generate", as
/// parsed by dbt 1.0 to 2.0: before it are global options and their values. `ls` is "list". Empty
/// if it has no command that dbt knows, as in a program that runs dbt itself.
std::string command_of(std::string_view command_line);

/// Whether the command with that name runs or tests nodes.
bool runs_nodes(std::string_view command);

}  // namespace exporter::dbt
