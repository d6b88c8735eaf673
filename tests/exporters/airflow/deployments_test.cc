#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/error_of.h"

using namespace exporter;

namespace {

std::string refusal(const std::string& entry) {
  return error_of(Reason::config, [&] { deployment_of("http://airflow", entry); });
}

}  // namespace

TEST_CASE("a deployment has one way to log in, or none") {
  CHECK_THAT(refusal("username: a"), Catch::Contains("password"));
  CHECK_THAT(refusal("password: a"), Catch::Contains("password needs a username"));
  for (const auto* other : {"bearer_token: c", "headers: {authorization: c}"}) {
    CHECK_THAT(refusal(std::string("username: a, password: b, ") + other),
               Catch::Contains("they are mutually exclusive"));
  }
  CHECK_NOTHROW(deployment_of("http://airflow", "proxy: \"http://proxy\""));
}

TEST_CASE("a user who cannot log in to Airflow 2 is refused") {
  CHECK_THAT(refusal("username: 'a:b', password: c"), Catch::Contains("colon"));
}

TEST_CASE("the address of the user interface has no slash at its end") {
  CHECK(deployment_of("http://airflow/prod/")->url == "http://airflow/prod");
}
