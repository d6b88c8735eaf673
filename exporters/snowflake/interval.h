#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace exporter::snowflake {

/// Parses a duration as Snowflake writes it: "5 minutes", "10 MINUTE", "1 hour". Nothing for
/// "DOWNSTREAM", a cron expression and other texts.
std::optional<std::chrono::seconds> parse_interval(std::string_view text);

}  // namespace exporter::snowflake
