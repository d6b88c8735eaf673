#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace exporter::http {

/// The parts of a request's target, "/metrics?collect[]=cpu" or "http://host/metrics" as sent to a
/// proxy (RFC 9112, 3.2); borrowed.
struct Target {
  explicit Target(std::string_view target) noexcept;
  std::string_view path;   ///< as sent; "/" if the URL has no path
  std::string_view query;  ///< the part after the "?"
};

/// Decodes "%HH"; malformed escapes and "%00" stay as they are.
std::string unescaped(std::string_view text);

/// The decoded values of a parameter of a query (application/x-www-form-urlencoded), in order.
std::vector<std::string> values_of(std::string_view query, std::string_view name);

}  // namespace exporter::http
