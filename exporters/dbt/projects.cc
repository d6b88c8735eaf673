#include "exporters/dbt/projects.h"

#include <cstdlib>
#include <set>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "common/http/authorize.h"
#include "common/http/url.h"
#include "exporters/dbt/counters.h"
#include "exporters/dbt/s3.h"

namespace exporter::dbt {
namespace {

constexpr Flag kTarget{"target.path", "./target",
                       "The folder that dbt writes its artifacts to, or a glob of several; the "
                       "configuration file names those of several projects instead."};
constexpr Flag kProject{"target.project", "dbt", "The label `project` of what is found there."};
constexpr Flag kFlags[] = {kTarget, kProject};

/// Whatever stands in the folders at the first start counts, however old.
constexpr Ledger::Options kLedger{.past = std::chrono::years(20), .max_series = 1'000'000};
constexpr std::size_t kLongestName = 40;  // bytes; it is in the name of the ledger's file

constexpr auto kLookback = std::chrono::days(2);
constexpr std::size_t kMostListing = 16u << 20;  // bytes; a page of 1000 objects has about 400,000

std::string optional_text(const Yaml& yaml, std::string_view key) {
  const auto value = yaml.optional(key);
  return value ? value->string() : std::string();
}

/// The address at `key`, which is there.
std::string read_url(const Yaml& map, const char* key) {
  auto url = map.required(key).string();
  try {
    http::parse_option_url(key, url, {"http://", "https://"});
  } catch (const Error& error) {
    map.fail(error.what());
  }
  return url;
}

http::Authorize read_authorize(const Yaml& project) {
  auto token = project.optional_secret("bearer_token");
  const auto user = project.optional("username");
  if (token && user) user->fail("bearer_token is given too: they exclude each other");
  if (token) return http::with_token("Bearer", std::move(*token));
  if (user) return http::with_password(user->string(), project.secret("password"));
  return {};
}

http::ClientOptions read_client_options(const Yaml& project, const std::string& name,
                                        std::string base_url) {
  http::ClientOptions options;
  options.name = name;
  options.base_url = std::move(base_url);
  options.proxy = optional_text(project, "proxy");
  options.ca_file = optional_text(project, "ca_file");
  return options;
}

std::shared_ptr<http::Client> make_client(const Yaml& project, const http::ClientOptions& options,
                                          http::Authorize authorize,
                                          http::UpstreamMetrics& metrics) {
  try {
    return std::make_shared<http::Client>(options, std::move(authorize), metrics);
  } catch (const Error& error) {
    project.fail(error.what());
  }
}

Source read_address(const Yaml& project, const std::string& name, http::UpstreamMetrics& metrics) {
  const auto options = read_client_options(project, name, read_url(project, "url"));
  return telling(
      address(make_client(project, options, read_authorize(project), metrics), options.base_url),
      options.base_url);
}

/// The variables by which AWS's own tools are told the same.
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
    project.fail("expected a region of small letters, digits and hyphens");
  }
  return region;
}

Source read_s3(const Yaml& project, const std::string& name, http::UpstreamMetrics& metrics) {
  const auto where = project.required("s3");
  auto place = parse_s3(where.string());
  if (!place) where.fail("expected s3://bucket/folder");
  const auto endpoint =
      project.optional("endpoint") ? read_url(project, "endpoint") : std::string();
  const auto region = read_region(project, !endpoint.empty());
  auto options = read_client_options(project, name, s3_url(place->bucket, region, endpoint));
  options.max_body = kMostListing;
  auto client = make_client(project, options,
                            http::with_aws_signature(region, "s3", read_keys(project)), metrics);
  return telling(s3(std::move(client), std::move(*place)), where.string());
}

/// Which one of the ways to artifacts the project has.
std::string_view read_way(const Yaml& project) {
  std::string_view way;
  for (const auto* key : {"target", "url", "s3", "cloud"}) {
    const auto given = project.optional(key);
    if (given && !way.empty()) {
      given->fail(std::string(way) + " is given too: they exclude each other");
    }
    if (given) way = key;
  }
  if (way.empty()) project.fail("expected one of target, url, s3 and cloud");
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

SharedLedger open_ledger(const std::string& project, Ledgers& ledgers) {
  return ledgers.open("dbt", project, kLedger, migrations());
}

/// Runs are counted as soon as they end, and their results when they are read: apart, as the newest
/// event in a ledger says what is late.
Place read_cloud(const Yaml& project, const std::string& name, http::UpstreamMetrics& metrics,
                 Ledgers& ledgers) {
  const auto cloud = project.required("cloud");
  CloudScope scope;
  cloud.required("account_id");
  scope.account = *read_id(cloud, "account_id");
  scope.project = read_id(cloud, "project_id");
  scope.environment = read_id(cloud, "environment_id");
  const auto options = read_client_options(
      project, name, cloud.optional("url") ? read_url(cloud, "url") : "https://cloud.getdbt.com");
  auto client =
      make_client(project, options, http::with_token("Token", cloud.secret("token")), metrics);
  const auto followed = std::make_shared<Cloud>(
      read_cloud_options(cloud, name), CloudApi(std::move(client), options.base_url, scope),
      ledgers.open("dbt_cloud", name, kLedger));
  return {name, open_ledger(name, ledgers),
          [followed](const Deadline& deadline) { return followed->look(deadline); }, followed,
          true};
}

Source read_folders(const std::string& pattern) { return telling(folders(pattern), pattern); }

Place read_place(const Yaml& project, http::UpstreamMetrics& metrics, Ledgers& ledgers) {
  const auto place = project.required("name");
  const auto name = place.string();
  if (name.empty() || name.size() > kLongestName) place.fail("expected 1 to 40 bytes");
  const auto way = read_way(project);
  if (way == "cloud") return read_cloud(project, name, metrics, ledgers);
  auto ledger = open_ledger(name, ledgers);
  if (way == "s3") return {name, std::move(ledger), read_s3(project, name, metrics), {}, true};
  if (way == "url")
    return {name, std::move(ledger), read_address(project, name, metrics), {}, true};
  return {name, std::move(ledger), read_folders(project.required("target").string())};
}

}  // namespace

std::span<const Flag> project_flags() { return kFlags; }

std::vector<Place> read_projects(const App::Inputs& inputs, Ledgers& ledgers) {
  const auto& settings = inputs.settings;
  const auto projects = inputs.file != nullptr ? inputs.file->optional("projects") : std::nullopt;
  std::vector<Place> places;
  if (!projects) {
    const auto name = settings.text(kProject.name);
    if (settings.text(kTarget.name).empty()) settings.fail(kTarget.name, "expected a folder");
    if (name.empty() || name.size() > kLongestName) {
      settings.fail(kProject.name, "expected 1 to 40 bytes");
    }
    places.push_back({name, open_ledger(name, ledgers), read_folders(settings.text(kTarget.name))});
    return places;
  }
  for (const auto& flag : kFlags) {
    if (!settings.is_default(flag.name)) settings.fail(flag.name, "the file names the projects");
  }
  std::set<std::string> names;
  for (const auto& project : projects->items()) {
    places.push_back(read_place(project, inputs.upstreams, ledgers));
    if (!names.insert(places.back().project).second) project.fail("another one has this name");
  }
  if (places.empty()) projects->fail("expected a project");
  return places;
}

}  // namespace exporter::dbt
