#include "common/http/authorize.h"
#include "common/http/client_config.h"
#include "exporters/airflow/deployment.h"

namespace exporter::airflow {
namespace {

constexpr SourceFlag kFlags[] = {
    {{"deployment.url", "http://127.0.0.1:8080",
      "URL of Airflow's web server; the configuration file names those of several instead."},
     "url"},
    {{"deployment.name", "airflow", "The label `deployment`."}, "name"},
    {{"deployment.username", "", "A user that may read."}, "username"},
    {{"deployment.password-file", "", "File with the password of that user."}, "password_file"},
    {{"deployment.bearer-token-file", "", "File with a token, instead of a user."},
     "bearer_token_file"},
};

/// The ids of two days are kept. More than this many take over 100 MB: the oldest of them go
/// before.
constexpr Ledger::Options kKept{.max_series = 200'000, .max_open_events = 2'000'000};

/// A user is of Airflow, whichever way its version has them log in.
std::optional<Login> read_login(const Yaml& entry) {
  const auto user = entry.optional("username");
  auto password = entry.optional_secret("password");
  if (user.has_value() != password.has_value()) {
    entry.fail("username and password need each other");
  }
  if (!user) return std::nullopt;
  return Login{user->string(), std::move(*password)};
}

std::shared_ptr<Deployment> make_deployment(const SourceInputs& inputs) {
  const auto& entry = inputs.config;
  ApiOptions options{http::read_client_options(entry, {.name = inputs.name}), {}, {}, false};
  options.client.base_url = http::read_url(entry, "url");
  options.login = read_login(entry);
  options.has_budget = entry.optional("budget").has_value();
  if (auto token = entry.optional_secret("bearer_token")) {
    if (options.login) entry.fail("bearer_token and username exclude each other");
    options.authorize = http::with_token("Bearer", std::move(*token));
  }
  auto url = options.client.base_url;
  while (url.ends_with('/')) url.pop_back();
  return std::shared_ptr<Deployment>(
      new Deployment{inputs.name,
                     std::move(url),
                     {std::move(options), inputs.upstreams},
                     inputs.ledgers->open("airflow", inputs.name, kKept),
                     inputs.ledgers->open("airflow_tasks", inputs.name, kKept)});
}

}  // namespace

/// Two collectors at once are as many requests as a small web server takes beside its users'.
constinit const SourceKind<Deployment> kDeployments{.key = "deployments",
                                                    .label = "deployment",
                                                    .flags = kFlags,
                                                    .make = make_deployment,
                                                    .at_once = 2};

}  // namespace exporter::airflow
