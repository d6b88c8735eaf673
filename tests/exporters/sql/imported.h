#pragma once

#include <string>

/// How a process ended, and what it printed.
struct Ran {
  int exit_code;
  std::string output;
};

/// Runs sql_exporter; the arguments are a shell's words.
Ran run_exporter(const std::string& arguments);

/// What is made of another exporter's configuration with this text.
std::string imported(const std::string& text);

/// What `sql_exporter --config.check` says of a configuration with this text; empty when it is
/// valid.
std::string refusal_of(const std::string& config);
