#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/http/negotiate.h"
#include "common/http/target.h"
#include "common/http/users.h"

using namespace exporter;

namespace {

constexpr std::array<std::string_view, 3> kOffers{
    "text/plain; version=0.0.4; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "text/html; charset=utf-8",
};

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

/// The parsers for parts of a request: Accept, Accept-Encoding, Authorization and the target.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  must(http::best_media_type(text, kOffers) < kOffers.size());
  const std::string refused = "gzip;q=0," + std::string(text);
  must(!http::accepts_encoding(refused, "gzip"));
  http::accepts_encoding(text, "gzip");
  if (const auto credentials = http::parse_basic(text)) {
    must(credentials->user.find(':') == std::string::npos);
  }
  const http::Target target(text);
  must(target.path.size() + target.query.size() <= std::max(text.size(), std::size_t{1}));
  must(!target.path.starts_with("http://") && target.path.find('?') == std::string_view::npos);
  must(http::unescaped(text).size() <= text.size());
  for (const auto& value : http::values_of(target.query, "collect[]")) {
    must(value.size() < target.query.size());
  }
  return 0;
}
