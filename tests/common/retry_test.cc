#include "common/http/retry.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace exporter::http;
using namespace std::chrono_literals;

TEST_CASE("the bound of a pause doubles with each try, up to the cap") {
  const RetryPolicy policy{.attempts = 9, .base = 200ms, .cap = 1500ms};
  const double almost_one = 0.999999;
  const std::vector<std::chrono::milliseconds> bounds = {
      pause_before(policy, 1, almost_one), pause_before(policy, 2, almost_one),
      pause_before(policy, 3, almost_one), pause_before(policy, 4, almost_one),
      pause_before(policy, 5000, almost_one)};
  CHECK(bounds == std::vector<std::chrono::milliseconds>{199ms, 399ms, 799ms, 1499ms, 1499ms});
  CHECK(pause_before(policy, 1, 0.5) == 100ms);
  CHECK(pause_before(policy, 3, 0.25) == 200ms);
  CHECK(pause_before(policy, 3, 0) == 0ms);
}

TEST_CASE("the statuses that pass are those of overload, rate limits and gateways") {
  std::vector<int> transient;
  for (int status = 100; status < 600; ++status) {
    if (is_transient(status)) transient.push_back(status);
  }
  CHECK(transient == std::vector<int>{408, 429, 500, 502, 503, 504});
}

TEST_CASE("Retry-After is read in seconds and in the three forms of an HTTP date") {
  using namespace std::chrono;
  // One minute before the example of RFC 9110.
  const sys_seconds now = sys_days{1994y / November / 6} + 8h + 48min + 37s;
  const auto value = [&](const char* text) { return parse_retry_after(text, now); };
  CHECK(value("0") == 0ms);
  CHECK(value(" 120 ") == 120s);
  CHECK(value("86401") == 24h);
  CHECK(value("99999999999999999999999") == 24h);
  CHECK(value("Sun, 06 Nov 1994 08:49:37 GMT") == 60s);
  CHECK(value("Sunday, 06-Nov-94 08:49:37 GMT") == 60s);
  CHECK(value("Sun Nov  6 08:49:37 1994") == 60s);
  CHECK(value("Sun, 06 Nov 1994 08:48:36 GMT") == 0s);
  CHECK(value("Sun, 06 Nov 2094 08:48:36 GMT") == 24h);
  CHECK(value("Monday, 07-Nov-44 00:00:00 GMT") == 24h);    // 2044: 50 years ahead
  CHECK(value("Wednesday, 07-Nov-45 00:00:00 GMT") == 0s);  // 1945: 2045 is more than 50 years away
}

TEST_CASE("a malformed Retry-After counts as none") {
  const std::chrono::sys_seconds now{};
  for (const char* text : {"",
                           " ",
                           "-1",
                           "+1",
                           "1.5",
                           "1 2",
                           "soon",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 CET",
                           "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:49:37 GMT",
                           "Sun, 06 Nov 1994 08:60:37 GMT",
                           "Sun, 06 Nov 1994 08:49:61 GMT",
                           "Sun, 06 Now 1994 08:49:37 GMT",
                           "Sun, 006 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT x",
                           "Sun, 06 Nov 1994 08:49 GMT",
                           "Sun, 06 Nov 1994 8:49:37 GMT",
                           "Sunday, 06-Nov-1 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994 GMT",
                           "Sun,",
                           ","}) {
    CAPTURE(text);
    CHECK(parse_retry_after(text, now) == std::nullopt);
  }
}
