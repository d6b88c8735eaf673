#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace exporter::snowflake {

/// An account's name in its address and in the claims of a token.
struct AccountName {
  std::string host;   ///< "myorg-prod.snowflakecomputing.com"
  std::string claim;  ///< "MYORG-PROD"

  bool operator==(const AccountName&) const = default;
};

/// Parses an account identifier in any form (docs.snowflake.com, "Account identifiers"): the
/// account's name with its organization ("myorg-prod", "MYORG.PROD"), its locator with region and
/// cloud as far as needed ("xy12345", "xy12345.eu-west-1", "xy12345.west-europe.azure"), either
/// with ".privatelink", a locator with ".global", or the whole address. Nothing for anything else.
std::optional<AccountName> account_name(std::string_view identifier);

}  // namespace exporter::snowflake
