#include "exporters/dbt/projects.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "exporters/dbt/s3.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/error_of.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

std::string refusal(const std::string& project) {
  return error_of(Reason::config, [&] { project_of(project); });
}

/// Sets or unsets a variable until destruction.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) const {
    if (value == nullptr) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, value, 1);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("a project has one way to its artifacts") {
  CHECK(refusal("url: \"http://a\", target: b") ==
        "dbt.yml:1:30: projects[0].url: target is also given: they are mutually exclusive");
  const std::string expected =
      "dbt.yml:1:12: projects[0]: expected one of target, url, s3 and cloud";
  CHECK(refusal("proxy: a") == expected + "; got proxy");
  CHECK(refusal("traget: b, path: c") == expected + "; got traget (did you mean target?), path");
}

TEST_CASE("an address that is none is told with its key") {
  const std::string why = ": expected a URL that begins with http:// or https://";
  CHECK(refusal("url: \"s3://lake\"") == "dbt.yml:1:30: projects[0].url" + why);
  CHECK(refusal("s3: \"s3://lake\", endpoint: lake") == "dbt.yml:1:52: projects[0].endpoint" + why);
}

TEST_CASE("each kind of place can have what a client can") {
  for (const auto* place :
       {"url: \"http://a\"", "cloud: {account_id: 1, token: a}",
        "s3: \"s3://lake\", region: eu-central-1, access_key_id: a, secret_access_key: b"}) {
    CAPTURE(place);
    CHECK_NOTHROW(project_of(std::string(place) + ", proxy: \"http://p\", budget: {at_once: 2}"));
    CHECK_THAT(refusal(std::string(place) + ", try_timeout: 0"),
               Catch::Contains("projects[0].try_timeout: expected a duration above 0"));
  }
  CHECK_THAT(refusal("url: \"http://a\", username: b"), Catch::Contains("projects[0].password: "));
}

TEST_CASE("an account of dbt Cloud is a number and a token, and perhaps less than all of it") {
  CHECK(refusal("cloud: {token: a}") == "dbt.yml:1:32: projects[0].cloud.account_id: missing");
  CHECK(refusal("cloud: {account_id: 0, token: a}") ==
        "dbt.yml:1:45: projects[0].cloud.account_id: expected a number above 0");
  CHECK(refusal("cloud: {account_id: 1}") ==
        "dbt.yml:1:32: projects[0].cloud.token: missing: give it, token_file or token_env");
  CHECK(refusal("cloud: {account_id: 1, token: a, jobs: []}") ==
        "dbt.yml:1:64: projects[0].cloud.jobs: expected the id of a job");
  CHECK(refusal("cloud: {account_id: 1, token: a, url: ftp://a}") ==
        "dbt.yml:1:63: projects[0].cloud.url: expected a URL that begins with http:// or "
        "https://");
  CHECK_NOTHROW(
      project_of("cloud: {account_id: 1, token: a, project_id: 2, jobs: [70403110257794]}"));
}

TEST_CASE("keys and region come from the file, or else from AWS's variables") {
  const Variable id("AWS_ACCESS_KEY_ID", nullptr), key("AWS_SECRET_ACCESS_KEY", nullptr),
      token("AWS_SESSION_TOKEN", nullptr), region("AWS_REGION", nullptr),
      former_region("AWS_DEFAULT_REGION", nullptr);
  const std::string keys = ", access_key_id: a, secret_access_key: b";
  CHECK(refusal("s3: \"s3://lake/target\"" + keys) ==
        "dbt.yml:1:12: projects[0]: expected region, or the environment variable AWS_REGION");
  CHECK(refusal("s3: \"s3://lake/target\", region: eu-central-1") ==
        "dbt.yml:1:12: projects[0]: expected access_key_id and secret_access_key, or the "
        "environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  CHECK(refusal("s3: \"s3://lake/target\", region: eu-central-1, access_key_id: a") ==
        "dbt.yml:1:12: projects[0].secret_access_key: missing: give it, "
        "secret_access_key_file or secret_access_key_env");
  CHECK(refusal("s3: \"s3://lake/target\", region: \"a:b\"" + keys) ==
        "dbt.yml:1:12: projects[0]: expected a region of lower-case letters, digits and hyphens");
  CHECK_NOTHROW(project_of("s3: \"s3://lake/target\", region: eu-central-1" + keys));
  CHECK_NOTHROW(project_of("s3: \"s3://lake/target\", endpoint: \"http://127.0.0.1:9000\"" + keys));
  const Variable id_now("AWS_ACCESS_KEY_ID", "a"), key_now("AWS_SECRET_ACCESS_KEY", "b"),
      region_now("AWS_REGION", "eu-central-1");
  CHECK_NOTHROW(project_of("s3: \"s3://lake/target\""));
}

TEST_CASE("an address of S3 is a bucket and a directory") {
  for (const auto* text : {"lake/target", "s3:/lake", "s3://", "s3://La", "s3://lake?/a"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_s3(text));
  }
  CHECK(parse_s3("s3://lake")->directory.empty());
  CHECK(parse_s3("s3://lake//")->directory.empty());
  CHECK(parse_s3("s3://lake/a b/target/")->directory == "a b/target");
  CHECK(parse_s3("s3://lake/target")->bucket == "lake");
}

TEST_CASE("a bucket is a host of AWS, or a path of another endpoint") {
  CHECK(s3_url("lake", "eu-central-1", "") == "https://lake.s3.eu-central-1.amazonaws.com");
  CHECK(s3_url("la.ke", "eu-central-1", "") == "https://s3.eu-central-1.amazonaws.com/la.ke");
  CHECK(s3_url("lake", "cn-north-1", "") == "https://lake.s3.cn-north-1.amazonaws.com.cn");
  CHECK(s3_url("lake", "auto", "https://storage.googleapis.com") ==
        "https://storage.googleapis.com/lake");
  CHECK(s3_url("lake", "auto", "http://127.0.0.1:9000/") == "http://127.0.0.1:9000/lake");
}
