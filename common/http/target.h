#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace exporter::http {

/// The parts of a request's target, "/metrics?collect[]=cpu" or "http://host/metrics", as a client
/// of a proxy writes it (RFC 9112, 3.2); borrowed.
struct Target {
  explicit Target(std::string_view target) noexcept;
  std::string_view path;   ///< as it was sent, "/" for an origin alone
  std::string_view query;  ///< what follows the "?"
};

/// The text with its "%HH" decoded; a malformed escape stays as it is, and so does "%00".
std::string unescaped(std::string_view text);

/// The decoded values of a parameter of a query (application/x-www-form-urlencoded), in order.
std::vector<std::string> values_of(std::string_view query, std::string_view name);

}  // namespace exporter::http
