#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace exporter::http {

/// An absolute address in two parts, e.g. "https://host:8443" (no default port) and "/path?query".
struct Address {
  std::string origin, target;
};

/// Nothing when it is not an absolute URL. User, password and fragment are dropped.
std::optional<Address> parse_url(const std::string& text);

/// Why the text is not a URL with one of the schemes ("http://") and without user, password, query
/// and fragment; empty if it is. Never quotes it.
std::string url_fault(const std::string& text, std::initializer_list<std::string_view> schemes);

/// The address in an option. Throws Error{config} naming the option if it is invalid.
Address parse_option_url(const std::string& option, const std::string& text,
                         std::initializer_list<std::string_view> schemes);

}  // namespace exporter::http
