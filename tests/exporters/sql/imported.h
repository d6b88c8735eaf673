#pragma once

#include <string>

/// What --import makes of a configuration with this text.
std::string imported(const std::string& text);

/// What `sql_exporter --config.check` says of a configuration with this text; empty when it is
/// valid.
std::string refusal_of(const std::string& config);
