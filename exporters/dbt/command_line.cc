#include "exporters/dbt/command_line.h"

#include <algorithm>
#include <span>

namespace exporter::dbt {
namespace {

constexpr std::string_view kCommands[] = {
    "build", "clean",         "clone",    "compile", "completions", "debug", "deps",
    "docs",  "freshness",     "init",     "list",    "login",       "ls",    "man",
    "parse", "internal",      "retry",    "run",     "seed",        "show",  "state",
    "test",  "run-operation", "snapshot", "source"};
/// Of `docs` and of `source`.
constexpr std::string_view kSubCommands[] = {"freshness", "generate", "serve",
                                             "snapshot-freshness"};

/// Options before a command that take a value: of dbt-core 1.0 to 1.4 core/dbt/main.py, of 1.5 to
/// 1.13 core/dbt/cli/params.py, of 2.0 crates/dbt-clap-core/src/lib.rs. Other options are flags.
constexpr std::string_view kWithValue[] = {"--antlr-arena-limit-bytes",
                                           "--antlr-parser-cache-hard-limit-bytes",
                                           "--antlr-parser-cache-threshold-bytes",
                                           "--antlr-parser-recursion-limit",
                                           "--args",
                                           "--compute",
                                           "--dbt-replay",
                                           "--defer-state",
                                           "--deprecated-state",
                                           "--event-buffer-size",
                                           "--event-time-end",
                                           "--event-time-start",
                                           "--exclude",
                                           "--exclude-resource-type",
                                           "--exclude-resource-types",
                                           "--format",
                                           "--fs-record",
                                           "--fs-replay",
                                           "--index-dir",
                                           "--indirect-selection",
                                           "--internal-package",
                                           "--internal-packages-install-path",
                                           "--invocation-id",
                                           "--limit",
                                           "--log-file-max-bytes",
                                           "--log-format",
                                           "--log-format-file",
                                           "--log-level",
                                           "--log-level-file",
                                           "--log-path",
                                           "--maximum-seed-size-mib",
                                           "--metadata-dir",
                                           "--model",
                                           "--models",
                                           "--otel-file-name",
                                           "--otel-parquet-file-name",
                                           "--output",
                                           "--output-keys",
                                           "--packages-install-path",
                                           "--parent-span-id",
                                           "--partial-parse-file-path",
                                           "--phase",
                                           "--printer-width",
                                           "--profile",
                                           "--profiles-dir",
                                           "--project-dir",
                                           "--record-timing-info",
                                           "--resource-type",
                                           "--resource-types",
                                           "--sample",
                                           "--select",
                                           "--selector",
                                           "--sqlparse",
                                           "--state",
                                           "--static-analysis",
                                           "--target",
                                           "--target-path",
                                           "--threads",
                                           "--time-machine",
                                           "--time-machine-ordering",
                                           "--time-machine-path",
                                           "--v2-parser",
                                           "--vars",
                                           "--warn-error-options",
                                           "--x-alt-target"};
constexpr std::string_view kLettersWithValue = "lmorst";

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// A quoted value, as in a shell, may contain blanks. dbt's log omits these quotes: there, a value
/// in braces may contain them, and a blank after a colon ("env: prod") is part of the value. Other
/// values with blanks cannot be distinguished from several words.
std::size_t end_of_value(std::string_view text, std::size_t at) {
  if (at < text.size() && (text[at] == '\'' || text[at] == '"')) {
    const auto end = text.find(text[at], at + 1);
    if (end != text.npos) return end + 1;
  }
  int depth = 0;
  for (char before = ' '; at < text.size(); before = text[at++]) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}') --depth;
    const bool is_blank = text[at] == ' ' || text[at] == '\t';
    if (is_blank && depth <= 0 && before != ':') break;
  }
  return at;
}

std::string_view next_argument(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  auto end = std::min(rest.find_first_of(" \t="), rest.size());
  const bool has_value = rest.starts_with('-') && end < rest.size() && rest[end] == '=';
  end = has_value ? end_of_value(rest, end + 1) : end_of_value(rest, 0);
  const auto argument = rest.substr(0, end);
  rest.remove_prefix(end);
  return argument;
}

/// Whether this option takes the next argument: "--target", "-t", "-qt", but not "-tprod".
bool awaits_value(std::string_view option) {
  if (option.starts_with("--")) return contains(kWithValue, option);
  const auto letter = option.find_first_of(kLettersWithValue, 1);
  return letter + 1 == option.size();
}

/// Removes arguments up to the command, and returns it; empty if there is none. A word after an
/// option that is not a command is the rest of a value with blanks, or the value of an option that
/// the table lacks.
std::string_view next_command(std::string_view& rest, std::span<const std::string_view> commands) {
  bool may_be_value = false;
  for (;;) {
    auto argument = next_argument(rest);
    if (argument == "--") argument = next_argument(rest);
    if (contains(commands, argument)) return argument;
    if (argument.starts_with('-')) {
      if (awaits_value(argument)) next_argument(rest);
      may_be_value = true;
    } else if (argument.empty() || !may_be_value) {
      return {};
    }
  }
}

}  // namespace

std::string command_of(std::string_view command_line) {
  next_argument(command_line);  // "dbt"
  const auto command = next_command(command_line, kCommands);
  if (command == "ls") return "list";
  if (command != "docs" && command != "source") return std::string(command);
  auto sub_command = next_command(command_line, kSubCommands);
  if (sub_command == "snapshot-freshness") sub_command = "freshness";
  return std::string(command).append(" ").append(sub_command);
}

bool runs_nodes(std::string_view command) {
  constexpr std::string_view kReal[] = {"build", "retry", "run", "seed", "snapshot", "test"};
  return contains(kReal, command);
}

}  // namespace exporter::dbt
