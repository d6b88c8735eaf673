#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporters/snowflake/account.h"

namespace exporter::snowflake {

/// SQL that makes the role, the user's warehouse and the resource monitor that stops it, as far as
/// the collectors need them: --grants.
std::string write_grants(Account& account, std::span<const std::string_view> collectors);

/// Each statement of the collectors with its pace, and what a day costs: --dry-run.
std::string write_dry_run(Account& account, std::span<const std::string_view> collectors);

}  // namespace exporter::snowflake
