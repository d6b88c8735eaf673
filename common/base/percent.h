#pragma once

#include <string>
#include <string_view>

namespace exporter {

/// Percent-encodes all characters except the unreserved ones of RFC 3986, 2.3, and those in `kept`.
std::string percent_encoded(std::string_view text, std::string_view kept = {});

}  // namespace exporter
