#include "common/http/client_config.h"
#include "exporters/airflow/deployment.h"

namespace exporter::airflow {
namespace {

constexpr SourceFlag kFlags[] = {
    {{"deployment.url", "http://127.0.0.1:8080",
      "URL of Airflow's web server; the configuration file names those of several instead."},
     "url"},
    {{"deployment.name", "airflow", "The label `deployment`."}, "name"},
    {{"deployment.username", "", "User with read permissions."}, "username"},
    {{"deployment.password-file", "", "File with the user's password."}, "password_file"},
    {{"deployment.bearer-token-file", "", "File with a bearer token, instead of a user."},
     "bearer_token_file"},
    {{"deployment.dag-include", "", "Regexp of DAG ids to include; it matches the whole id."},
     "dag_include"},
    {{"deployment.dag-exclude", "", "Regexp of DAG ids to exclude."}, "dag_exclude"},
    {{"deployment.tag-include", "", "Regexp of tags; include only DAGs with a matching tag."},
     "tag_include"},
    {{"deployment.tag-exclude", "", "Regexp of tags; exclude DAGs with a matching tag."},
     "tag_exclude"},
    {{"deployment.owner-include", "", "Regexp of owners; include only DAGs with a matching owner."},
     "owner_include"},
    {{"deployment.owner-exclude", "", "Regexp of owners; exclude DAGs with a matching owner."},
     "owner_exclude"},
    {{"deployment.dag-limit", "5000",
      "Maximum number of DAGs shown; those that fail are kept first, then those that run."},
     "dag_limit"},
};

/// Ids are kept for two days. More than this many would take over 100 MB; the oldest are then
/// discarded earlier.
constexpr Ledger::Options kKept{.max_series = 200'000, .max_open_events = 2'000'000};

/// A user of Airflow, regardless of how its version logs in.
ApiOptions read_options(const Yaml& entry, const std::string& name) {
  auto config = http::read_client_config(entry, {.name = name});
  ApiOptions options{std::move(config.options), {}, {}, entry.optional("budget").has_value()};
  while (options.client.base_url.ends_with('/')) options.client.base_url.pop_back();
  if (const auto user = entry.optional("username")) {
    options.login = Login{user->string(), entry.secret("password")};
  } else {
    options.authorize = std::move(config.authorize);
  }
  return options;
}

std::shared_ptr<Deployment> make_deployment(const SourceInputs& inputs) {
  auto options = read_options(inputs.config, inputs.name);
  auto url = options.client.base_url;
  return std::shared_ptr<Deployment>(
      new Deployment{inputs.name,
                     std::move(url),
                     {std::move(options), inputs.upstreams},
                     inputs.ledgers->open("airflow", inputs.name, kKept),
                     inputs.ledgers->open("airflow_tasks", inputs.name, kKept),
                     inputs.ledgers->open("airflow_assets", inputs.name, kKept),
                     inputs.settings,
                     Requirements(inputs.config),
                     Selection(inputs.config)});
}

}  // namespace

/// Two concurrent collectors send as many requests as a small web server can handle besides its
/// users'.
constinit const SourceKind<Deployment> kDeployments{.key = "deployments",
                                                    .label = "deployment",
                                                    .flags = kFlags,
                                                    .make = make_deployment,
                                                    .at_once = 2,
                                                    .check = check_deployment};

}  // namespace exporter::airflow
