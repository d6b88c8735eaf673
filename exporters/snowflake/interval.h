#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace exporter::snowflake {

/// A length of time as Snowflake writes one: "5 minutes", "10 MINUTE", "1 hour". Nothing for
/// "DOWNSTREAM", a cron expression and what else is none.
std::optional<std::chrono::seconds> parse_interval(std::string_view text);

}  // namespace exporter::snowflake
