#include "exporters/snowflake/account_name.h"

#include <algorithm>

#include "common/base/text.h"

namespace exporter::snowflake {
namespace {

constexpr std::string_view kDomain = ".snowflakecomputing.com", kChina = ".snowflakecomputing.cn";
constexpr std::string_view kPrivate = ".privatelink", kGlobal = ".global";

bool take_suffix(std::string& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.resize(text.size() - suffix.size());
  return true;
}

/// Letters, digits, '-' and '_', in parts that dots separate.
bool is_identifier(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  if (text.empty() || text.size() > 200) return false;
  while (!text.empty()) {
    const bool has_more = text.find('.') != std::string_view::npos;
    const auto part = next_part(text, '.');
    if (part.empty() || !std::all_of(part.begin(), part.end(), is_letter)) return false;
    if (has_more && text.empty()) return false;
  }
  return true;
}

/// Names of regions contain a '-', names of accounts do not: "xy12345.us-east-2" is a locator,
/// "myorg.prod" is not.
bool is_locator(std::string_view identifier) {
  const auto dot = identifier.find('.');
  return dot != std::string_view::npos && identifier.find('-', dot) != std::string_view::npos;
}

/// The part before the rest of a locator or of a replicated account's name.
std::string claim_of(const std::string& identifier, bool is_global) {
  if (is_global) return to_upper(identifier.substr(0, identifier.find('-')));
  if (is_locator(identifier)) return to_upper(identifier.substr(0, identifier.find('.')));
  auto claim = to_upper(identifier);
  std::replace(claim.begin(), claim.end(), '.', '-');
  return claim;
}

}  // namespace

std::optional<AccountName> account_name(std::string_view identifier) {
  auto name = to_lower(trim(identifier));
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (name.starts_with(scheme)) name.erase(0, scheme.size());
  }
  while (name.ends_with('/')) name.pop_back();
  bool is_china = take_suffix(name, kChina);
  if (!is_china) take_suffix(name, kDomain);
  const bool is_private = take_suffix(name, kPrivate);
  const bool is_global = take_suffix(name, kGlobal);
  if (!is_identifier(name)) return std::nullopt;
  is_china = is_china || name.find(".cn-") != std::string::npos;
  auto host = name;  // without underscores, as in certificates
  std::replace(host.begin(), host.end(), '_', '-');
  if (!is_locator(name)) std::replace(host.begin(), host.end(), '.', '-');
  if (is_global) host += kGlobal;
  if (is_private) host += kPrivate;
  host += is_china ? kChina : kDomain;
  return AccountName{std::move(host), claim_of(name, is_global)};
}

}  // namespace exporter::snowflake
