#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "exporters/dbt/projects.h"
#include "exporters/dbt/s3.h"
#include "exporters/dbt/s3_xml.h"
#include "tests/support/error_of.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

std::size_t read(const std::string& project) {
  const auto file = Yaml::parse("projects: [{name: shop, " + project + "}]", "dbt.yml");
  const Settings settings(project_flags(), {}, nullptr);
  Ledgers ledgers("");
  return read_projects({settings, &file, upstreams(), "", false}, ledgers).size();
}

std::string refusal(const std::string& project) {
  return error_of(Reason::config, [&] { read(project); });
}

/// Sets a variable, or takes it away, until destruction.
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

S3Listing listing(const std::string& inside) {
  return read_s3_listing("<ListBucketResult>" + inside + "</ListBucketResult>", "s3://lake/");
}

}  // namespace

TEST_CASE("a project has one way to its artifacts") {
  CHECK(refusal("url: \"http://a\", target: b") ==
        "dbt.yml:1:30: projects[0].url: target is given too: they exclude each other");
  CHECK(refusal("proxy: a") ==
        "dbt.yml:1:12: projects[0]: expected one of target, url, s3 and cloud");
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
        "dbt.yml:1:12: projects[0]: expected a region of small letters, digits and hyphens");
  CHECK(read("s3: \"s3://lake/target\", region: eu-central-1" + keys) == 1);
  CHECK(read("s3: \"s3://lake/target\", endpoint: \"http://127.0.0.1:9000\"" + keys) == 1);
  const Variable id_now("AWS_ACCESS_KEY_ID", "a"), key_now("AWS_SECRET_ACCESS_KEY", "b"),
      region_now("AWS_REGION", "eu-central-1");
  CHECK(read("s3: \"s3://lake/target\"") == 1);
}

TEST_CASE("an address of S3 is a bucket and a folder") {
  for (const auto* text : {"lake/target", "s3:/lake", "s3://", "s3://La", "s3://lake?/a"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_s3(text));
  }
  CHECK(parse_s3("s3://lake")->folder.empty());
  CHECK(parse_s3("s3://lake//")->folder.empty());
  CHECK(parse_s3("s3://lake/a b/target/")->folder == "a b/target");
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

TEST_CASE("a listing is read whole or not at all") {
  const std::string object =
      "<Contents><Key>a &amp; b</Key><LastModified>2026-01-02T03:04:05.678Z</LastModified>"
      "<ETag>&quot;1&quot;</ETag><Size>7</Size></Contents>";
  const auto found = listing("<IsTruncated>false</IsTruncated>" + object);
  REQUIRE(found.objects.size() == 1);
  CHECK(found.objects[0].key == "a & b");
  CHECK(found.objects[0].tag == "\"1\"");
  CHECK(found.objects[0].size == 7);
  CHECK(found.objects[0].modified_at.time_since_epoch() ==
        std::chrono::microseconds(1'767'323'045'678'000));
  CHECK(found.next.empty());

  const auto why = [](const std::string& inside) {
    return error_of(Reason::decode, [&] { listing(inside); });
  };
  CHECK(why("<IsTruncated>true</IsTruncated>") ==
        "s3://lake/: a listing that goes on and does not say where");
  CHECK(why("<Contents><Key>a</Key></Contents>") ==
        "s3://lake/: an object without key, size or time");
  CHECK(why(object + "<Contents>") == "s3://lake/: not the XML of a listing");
  CHECK(error_of(Reason::decode, [] { read_s3_listing("<html></html>", "s3://lake/"); }) ==
        "s3://lake/: not the XML of a listing");
  CHECK(read_s3_error("no XML").empty());
  CHECK(read_s3_error("<html></html>").empty());
}
