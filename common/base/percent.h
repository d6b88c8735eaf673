#pragma once

#include <string>
#include <string_view>

namespace exporter {

/// Percent-encodes all but the unreserved characters of RFC 3986, 2.3, and those `kept`.
std::string percent_encoded(std::string_view text, std::string_view kept = {});

}  // namespace exporter
