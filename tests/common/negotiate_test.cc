#include "common/http/negotiate.h"

#include <array>
#include <catch2/catch.hpp>
#include <string_view>

using namespace exporter::http;

namespace {

constexpr std::array<std::string_view, 3> kOffers{
    "text/plain; version=0.0.4; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
    "text/html; charset=utf-8",
};
constexpr std::size_t kText = 0, kOpenMetrics = 1, kHtml = 2;

std::size_t best(std::string_view accept) { return best_media_type(accept, kOffers); }

}  // namespace

TEST_CASE("the media type with the highest q is served") {
  CHECK(best("text/plain;version=0.0.4") == kText);
  CHECK(best("application/openmetrics-text") == kOpenMetrics);
  CHECK(best("text/plain;q=0.5,application/openmetrics-text;q=0.6") == kOpenMetrics);
  CHECK(best("text/plain;q=0.6,application/openmetrics-text;q=0.5") == kText);
  CHECK(best("text/plain;q=0.5,text/html;q=0.501") == kHtml);
  CHECK(best("application/openmetrics-text;q=0,text/html;q=0.001") == kHtml);
}

TEST_CASE("what Prometheus 2 and 3 send gets OpenMetrics") {
  CHECK(best("application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
             "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1") == kOpenMetrics);
  for (const std::string_view escaping : {"allow-utf-8", "underscores"}) {
    const std::string scheme = ";escaping=" + std::string(escaping);
    CHECK(best("application/openmetrics-text;version=1.0.0" + scheme +
               ";q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0" +
               scheme + ";q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2") == kOpenMetrics);
  }
  CHECK(best("text/plain;version=0.0.4;q=1,*/*;q=0.1") == kText);
}

TEST_CASE("what a browser sends gets HTML") {
  CHECK(best("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8") == kHtml);
}

TEST_CASE("a version that is not offered is not taken") {
  CHECK(best("application/openmetrics-text;version=2.0.0,text/html;q=0.1") == kHtml);
  CHECK(best("application/openmetrics-text;version=1.0.0;escaping=dots,text/html;q=0.1") == kHtml);
}

TEST_CASE("the most specific range gives an offer its q") {
  CHECK(best("text/*;q=0.9,text/plain;q=0.1,application/openmetrics-text;q=0.5") == kHtml);
  CHECK(best("*/*,text/plain;q=0,text/html;q=0") == kOpenMetrics);
  CHECK(best("text/plain;q=0.9,text/plain;version=0.0.4;q=0.1,text/html;q=0.5") == kHtml);
}

TEST_CASE("equal q: the more specific range wins, then the first offer") {
  CHECK(best("*/*,text/html") == kHtml);
  CHECK(best("text/*,application/openmetrics-text") == kOpenMetrics);
  CHECK(best("text/html,text/plain") == kText);
  CHECK(best("*/*") == kText);
}

TEST_CASE("an empty header, or one that accepts nothing on offer, gets the first offer") {
  CHECK(best("") == kText);
  CHECK(best("image/png") == kText);
  CHECK(best("*/*;q=0") == kText);
  CHECK(best_media_type("*/*", {}) == 0);
}

TEST_CASE("names, types and quotes are read as RFC 9110 says") {
  CHECK(best("TEXT/HTML") == kHtml);
  CHECK(best("text/html;Charset=\"UTF-8\"") == kHtml);
  CHECK(best(" text/plain ; q=0.1 ,\ttext/html ; Q=0.2 ") == kHtml);
  CHECK(best("text/plain;x=\"a,text/html;q=1\", application/openmetrics-text;q=0.1") ==
        kOpenMetrics);
  CHECK(best("text/plain;x=\"\\\",text/html\", application/openmetrics-text;q=0.1") ==
        kOpenMetrics);
}

TEST_CASE("malformed parts of a header are passed over") {
  for (const auto* quality : {"", "2", "1.001", "0.1234", "-1", ".5", "0,5", "x", "1e0", "00.1"}) {
    INFO(quality);
    CHECK(best("application/openmetrics-text;q=" + std::string(quality) + ",text/html;q=0.1") ==
          kHtml);
  }
  CHECK(best(",,;q=1,;;,text/html") == kHtml);
  CHECK(best("text/html;") == kHtml);
  CHECK(best("text/html;q=0.") == kText);
  CHECK(best("text/html;q=0.,application/openmetrics-text;q=1.") == kOpenMetrics);
  CHECK(best("text") == kText);
  CHECK(best("/") == kText);
  CHECK(best("application/openmetrics-text;x=\"open, text/html") == kText);
}

TEST_CASE("gzip is used only when it is accepted") {
  CHECK(accepts_encoding("gzip", "gzip"));
  CHECK(accepts_encoding("GZIP", "gzip"));
  CHECK(accepts_encoding("deflate, gzip;q=0.001, br", "gzip"));
  CHECK(accepts_encoding("*", "gzip"));
  CHECK(accepts_encoding("deflate;q=0, *;q=0.5", "gzip"));
  CHECK_FALSE(accepts_encoding("", "gzip"));
  CHECK_FALSE(accepts_encoding("gzip;q=0", "gzip"));
  CHECK_FALSE(accepts_encoding("gzip;q=0.000", "gzip"));
  CHECK_FALSE(accepts_encoding("gzip;q=0, *", "gzip"));
  CHECK_FALSE(accepts_encoding("*;q=0", "gzip"));
  CHECK_FALSE(accepts_encoding("deflate, br", "gzip"));
  CHECK_FALSE(accepts_encoding("xgzip", "gzip"));
  CHECK_FALSE(accepts_encoding("gzip;q=nonsense", "gzip"));
}

TEST_CASE("identity is used where the client likes it better") {
  CHECK(accepts_encoding("gzip, identity", "gzip"));
  CHECK(accepts_encoding("gzip;q=0.5, identity;q=0.5", "gzip"));
  CHECK(accepts_encoding("gzip;q=0.1, identity;q=0", "gzip"));
  CHECK(accepts_encoding("gzip;q=0.5, identity;q=0.1", "gzip"));
  CHECK_FALSE(accepts_encoding("gzip;q=0.5, identity", "gzip"));
  CHECK_FALSE(accepts_encoding("gzip;q=0.5, *;q=0.8", "gzip"));
  CHECK_FALSE(accepts_encoding("identity;q=0", "gzip"));
}
