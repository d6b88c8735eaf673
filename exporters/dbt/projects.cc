#include "exporters/dbt/projects.h"

#include <cstdlib>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/config/yaml.h"
#include "common/http/authorize.h"
#include "common/http/client_config.h"
#include "common/http/url.h"
#include "exporters/dbt/counters.h"
#include "exporters/dbt/s3.h"

namespace exporter::dbt {
namespace {

constexpr SourceFlag kFlags[] = {
    {{"target.path", "./target",
      "The directory that dbt writes its artifacts to, or a glob of several; the configuration "
      "file names those of several projects instead."},
     "target"},
    {{"target.project", "dbt", "The label `project` of these artifacts."}, "name"},
};

/// At the first start all results in the directories count, however old.
constexpr Ledger::Options kLedger{.past = std::chrono::years(20), .max_series = 1'000'000};

constexpr auto kLookback = std::chrono::days(2);
constexpr std::size_t kMostListing = 16u << 20;  // bytes; a page of 1000 objects has about 400,000

Lister read_address(const SourceInputs& inputs) {
  const auto config = http::read_client_config(inputs.config, {.name = inputs.name});
  return address(std::make_shared<http::Client>(config.options, config.authorize, inputs.upstreams),
                 config.options.base_url);
}

/// The environment variables that AWS's own tools use.
std::optional<SecretSource> from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return SecretSource::env(variable);
}

http::AwsKeys read_keys(const Yaml& project) {
  auto id = project.optional_secret("access_key_id");
  if (id) {
    return {std::move(*id), project.secret("secret_access_key"),
            project.optional_secret("session_token")};
  }
  id = from_environment("AWS_ACCESS_KEY_ID");
  auto key = from_environment("AWS_SECRET_ACCESS_KEY");
  if (!id || !key) {
    project.fail(
        "expected access_key_id and secret_access_key, or the environment variables "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  }
  return {std::move(*id), std::move(*key), from_environment("AWS_SESSION_TOKEN")};
}

std::string read_region(const Yaml& project, bool has_endpoint) {
  const auto given = project.optional("region");
  auto region = given ? given->string() : std::string();
  for (const auto* variable : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    const char* value = std::getenv(variable);
    if (region.empty() && value != nullptr) region = value;
  }
  if (region.empty() && has_endpoint) region = "us-east-1";
  if (region.empty()) project.fail("expected region, or the environment variable AWS_REGION");
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (region.find_first_not_of(kLetters) != region.npos) {
    project.fail("expected a region of lower-case letters, digits and hyphens");
  }
  return region;
}

Lister read_s3(const SourceInputs& inputs) {
  const auto& project = inputs.config;
  const auto where = project.required("s3");
  auto place = parse_s3(where.string());
  if (!place) where.fail("expected s3://bucket/prefix");
  const auto endpoint =
      project.optional("endpoint") ? http::read_url(project, "endpoint") : std::string();
  const auto region = read_region(project, !endpoint.empty());
  auto options = http::read_client_options(project, {.name = inputs.name});
  options.base_url = s3_url(place->bucket, region, endpoint);
  options.max_body = kMostListing;
  auto client = std::make_shared<http::Client>(
      options, http::with_aws_signature(region, "s3", read_keys(project)), inputs.upstreams);
  return s3(std::move(client), *place);
}

constexpr std::string_view kWays[] = {"target", "url", "s3", "cloud"};

/// Lists the unknown keys, one of which may be a misspelled way.
[[noreturn]] void fail_without_way(const Yaml& project) {
  std::string got;
  for (const auto& [key, value] : project.entries()) {
    if (key == "name") continue;
    got += (got.empty() ? "; got " : ", ") + key;
    if (const auto way = nearest(key, kWays); !way.empty()) {
      got.append(" (did you mean ").append(way).append("?)");
    }
  }
  project.fail("expected one of target, url, s3 and cloud" + got);
}

/// The way in which the project's artifacts are read.
std::string_view read_way(const Yaml& project) {
  std::string_view way;
  for (const auto key : kWays) {
    const auto given = project.optional(key);
    if (given && !way.empty()) {
      given->fail(std::string(way) + " is also given: they are mutually exclusive");
    }
    if (given) way = key;
  }
  if (way.empty()) fail_without_way(project);
  return way;
}

std::optional<std::int64_t> read_id(const Yaml& map, std::string_view key) {
  const auto id = map.optional(key);
  if (!id) return std::nullopt;
  if (id->integer() < 1) id->fail("expected a number above 0");
  return id->integer();
}

Cloud::Options read_cloud_options(const Yaml& cloud, const std::string& name) {
  Cloud::Options options{name, {}, kLookback};
  if (const auto jobs = cloud.optional("jobs")) {
    for (const auto& job : jobs->items()) options.jobs.insert(job.integer());
    if (options.jobs.empty()) jobs->fail("expected the id of a job");
  }
  if (const auto lookback = cloud.optional("lookback")) options.lookback = lookback->duration();
  return options;
}

/// Runs are counted as soon as they end, and their results when they are read. They have separate
/// ledgers, because the newest event in a ledger determines what is late.
std::shared_ptr<Cloud> read_cloud(const SourceInputs& inputs) {
  const auto cloud = inputs.config.required("cloud");
  CloudScope scope;
  cloud.required("account_id");
  scope.account = *read_id(cloud, "account_id");
  scope.project = read_id(cloud, "project_id");
  scope.environment = read_id(cloud, "environment_id");
  auto options = http::read_client_options(inputs.config, {.name = inputs.name});
  options.base_url =
      cloud.optional("url") ? http::read_url(cloud, "url") : "https://cloud.getdbt.com";
  auto client = std::make_shared<http::Client>(
      options, http::with_token("Token", cloud.secret("token")), inputs.upstreams);
  return std::make_shared<Cloud>(read_cloud_options(cloud, inputs.name),
                                 CloudApi(std::move(client), options.base_url, scope),
                                 inputs.ledgers->open("dbt_cloud", inputs.name, kLedger));
}

std::shared_ptr<ProjectSource> make_project(const SourceInputs& inputs) {
  ProjectSource project{inputs.name,
                        Selection(*inputs.settings),
                        inputs.ledgers->open("dbt", inputs.name, kLedger, migrations()),
                        {}};
  project.labels = read_labels(inputs.config);
  const auto way = read_way(inputs.config);
  project.is_remote = way != "target";
  if (way == "target") {
    project.list = directories(inputs.config.required("target").string());
  } else if (way == "url") {
    project.list = read_address(inputs);
  } else if (way == "s3") {
    project.list = read_s3(inputs);
  } else {
    const auto cloud = read_cloud(inputs);
    project.list = {"the runs of dbt Cloud",
                    [cloud](const Deadline& deadline) { return cloud->list(deadline); }};
    project.cloud = cloud;
  }
  return std::make_shared<ProjectSource>(std::move(project));
}

}  // namespace

constinit const SourceKind<ProjectSource> kProjects{.key = "projects",
                                                    .label = "project",
                                                    .flags = kFlags,
                                                    .make = make_project,
                                                    .check = check_project};

}  // namespace exporter::dbt
