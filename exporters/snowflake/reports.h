#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporters/snowflake/account.h"

namespace exporter::snowflake {

/// SQL that creates the role, the user's warehouse and its resource monitor, with the privileges
/// that the enabled collectors need: --grants.
std::string write_grants(Account& account, std::span<const std::string_view> collectors);

/// The statements of the collectors with their intervals, and the cost of a day: --dry-run.
std::string write_dry_run(Account& account, std::span<const std::string_view> collectors);

}  // namespace exporter::snowflake
