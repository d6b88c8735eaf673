#pragma once

#include <string>

/// The exit status of a process, and its output.
struct Ran {
  int exit_code;
  std::string output;
};

/// Runs sql_exporter with arguments for a shell.
Ran run_exporter(const std::string& arguments);

/// The conversion of another exporter's configuration with this text.
std::string imported(const std::string& text);

/// The output of `sql_exporter --config.check` for a configuration with this text; empty if it is
/// valid.
std::string refusal_of(const std::string& config);
