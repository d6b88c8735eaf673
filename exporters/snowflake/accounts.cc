#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "common/base/text.h"
#include "common/http/client_config.h"
#include "common/http/jwt.h"
#include "exporters/snowflake/account.h"
#include "exporters/snowflake/account_name.h"
#include "exporters/snowflake/attribution.h"
#include "exporters/snowflake/query_tags.h"
#include "exporters/snowflake/reports.h"

namespace exporter::snowflake {
namespace {

constexpr SourceFlag kFlags[] = {
    {{"account.identifier", "",
      "Identifier of the account, such as myorg-prod; the configuration file names those of "
      "several "
      "instead."},
     "identifier"},
    {{"account.name", "snowflake", "The label `account`."}, "name"},
    {{"account.url", "", "URL of the account, if the identifier does not give it."}, "url"},
    {{"account.user", "", "User with read privileges and a key pair."}, "user"},
    {{"account.private-key-file", "", "File with the user's private key: PEM, PKCS#8 or PKCS#1."},
     "private_key_file"},
    {{"account.private-key-passphrase-file", "", "File with the passphrase of the private key."},
     "private_key_passphrase_file"},
    {{"account.oauth-token-file", "", "File with an OAuth token, instead of a key."},
     "oauth_token_file"},
    {{"account.programmatic-access-token-file", "",
      "File with a programmatic access token, instead of a key."},
     "programmatic_access_token_file"},
    {{"account.role", "", "Role to use; by default the user's default role."}, "role"},
    {{"account.warehouse", "",
      "Warehouse for statements that need one; only this exporter should use it."},
     "warehouse"},
    {{"account.credits-per-day", "0.5",
      "Maximum credits of the warehouse per day, 0 for no limit."},
     "credits_per_day"},
    {{"account.backfill-credits", "1", "Maximum credits of backfill per day, 0 for no limit."},
     "backfill_credits"},
    {{"account.cycle", "45m", "Minimum time between two resumes of the warehouse."}, "cycle"},
    {{"account.query-tag-keys", "",
      "Keys of JSON query tags by which --collector.query_tags attributes credits: "
      "team,cost_center."},
     "query_tag_keys"},
    {{"record", "",
      "Directory to which Snowflake's answers are written for a report, without names and texts."},
     "record"},
};

constexpr std::chrono::minutes kTokenLife{59};  // Snowflake rejects tokens after an hour

using Credentials = std::pair<TokenType, http::Authorize>;

http::Authorize with_key_pair(const std::string& claim, const std::string& user,
                              http::KeySource key) {
  const auto subject = claim + '.' + user;
  const auto claims = [subject](const std::string& fingerprint, std::chrono::sys_seconds now) {
    JsonObject object;
    object.add("iss", subject + ".SHA256:" + fingerprint);
    object.add("sub", subject);
    object.add("iat", static_cast<std::int64_t>(now.time_since_epoch().count()));
    object.add("exp", static_cast<std::int64_t>((now + kTokenLife).time_since_epoch().count()));
    return object;
  };
  return http::with_fetched_token(http::jwt_signer(std::move(key), claims, kTokenLife),
                                  [](const auto& response) { return response.status == 401; });
}

/// "Bearer WIF.AWS.<token>".
http::Authorize with_workload_identity(const Yaml& entry, SecretSource token) {
  const auto provider = entry.required("workload_identity_provider");
  const auto name = to_upper(provider.string());
  if (name != "AWS" && name != "AZURE" && name != "GCP" && name != "OIDC") {
    provider.fail("expected aws, azure, gcp or oidc");
  }
  http::Authorize authorize;
  authorize.add = [name, token = std::move(token)](auto& request, const Deadline&) {
    request.headers.emplace_back("Authorization",
                                 "Bearer WIF." + name + '.' + std::string(token.load().reveal()));
  };
  return authorize;
}

/// One of the four kinds of credentials in an entry, or none.
std::optional<Credentials> read_credentials(const Yaml& entry, const std::string& claim,
                                            const std::string& user) {
  std::optional<Credentials> found;
  const auto take = [&](std::string_view key, auto&& use) {
    auto secret = entry.optional_secret(key);
    if (!secret) return;
    if (found) entry.fail("more than one kind of credentials");
    found = use(*std::move(secret));
  };
  take("private_key", [&](SecretSource key) {
    if (user.empty()) entry.fail("private_key: needs a user");
    return Credentials(
        TokenType::keypair_jwt,
        with_key_pair(claim, user,
                      {std::move(key), entry.optional_secret("private_key_passphrase")}));
  });
  take("oauth_token", [](SecretSource token) {
    return Credentials(TokenType::oauth, http::with_token("Bearer", std::move(token)));
  });
  take("programmatic_access_token", [](SecretSource token) {
    return Credentials(TokenType::programmatic_access_token,
                       http::with_token("Bearer", std::move(token)));
  });
  take("workload_identity_token", [&](SecretSource token) {
    return Credentials(TokenType::workload_identity,
                       with_workload_identity(entry, std::move(token)));
  });
  return found;
}

std::string text_of(const Yaml& entry, std::string_view key) {
  const auto value = entry.optional(key);
  return value ? value->string() : std::string();
}

ApiOptions read_options(const Yaml& entry, const std::string& name, bool is_asked) {
  const auto identifier = entry.required("identifier");
  const auto account = account_name(identifier.string());
  if (!account) {
    identifier.fail(
        "expected an account identifier: ORGANIZATION-ACCOUNT, or a locator with its region and "
        "cloud");
  }
  ApiOptions options;
  options.client = http::read_client_options(entry, {.name = name});
  options.client.base_url =
      entry.optional("url") ? http::read_url(entry, "url") : "https://" + account->host;
  const auto claim = text_of(entry, "jwt_account");
  options.claim = claim.empty() ? account->claim : to_upper(claim);
  options.user = to_upper(text_of(entry, "user"));
  options.role = text_of(entry, "role");
  if (auto credentials = read_credentials(entry, options.claim, options.user)) {
    std::tie(options.token_type, options.authorize) = *std::move(credentials);
  } else if (is_asked) {
    entry.fail(
        "no credentials: expected private_key and user, oauth_token, programmatic_access_token or "
        "workload_identity_token, each secret as it is, as KEY_file or as KEY_env (as flags: "
        "--account.private-key-file and --account.user, --account.oauth-token-file or "
        "--account.programmatic-access-token-file)");
  }
  if (const auto directory = entry.optional("record")) {
    options.recording =
        std::make_shared<Recording>(std::filesystem::path(entry.directory()) / directory->string());
  }
  return options;
}

std::vector<std::string> read_dbt_results(const Yaml& entry) {
  std::vector<std::string> patterns;
  if (const auto list = entry.optional("dbt_results")) {
    for (const auto& item : list->items()) {
      patterns.push_back(std::filesystem::path(entry.directory()) / item.string());
    }
  }
  return patterns;
}

std::shared_ptr<Account> make_account(const SourceInputs& inputs) {
  auto options = read_options(inputs.config, inputs.name, inputs.is_asked);
  auto url = options.client.base_url;
  auto warehouse = read_warehouse_options(inputs.config);
  std::shared_ptr<Account> account(new Account{inputs.name,
                                               url,
                                               options.user,
                                               options.role,
                                               {options, inputs.upstreams},
                                               inputs.ledgers,
                                               nullptr,
                                               nullptr});
  insert_query_tag_keys(inputs.config, account->inserts);
  account->dbt_results = read_dbt_results(inputs.config);
  // A report reads the files again.
  DbtResults results(inputs.is_asked ? std::vector<std::string>() : account->dbt_results);
  results.read(account->clock());
  account->inserts["owners"] = owners_by(results);
  if (warehouse) {
    account->warehouse =
        std::make_unique<OwnWarehouse>(*warehouse, account->api, inputs.name,
                                       inputs.ledgers->open("snowflake_spending", inputs.name, {}));
    warehouse->credits_per_day = warehouse->backfill_credits;
    account->past_warehouse =
        std::make_unique<OwnWarehouse>(*std::move(warehouse), account->api, inputs.name,
                                       Ledgers({}).open("snowflake_backfill", inputs.name, {}));
  }
  return account;
}

constexpr Report<Account> kReports[] = {
    {"grants",
     "Print the SQL that creates the role, the exporter's warehouse and its resource monitor, for "
     "the enabled collectors, and exit.",
     [](Account& account, const ReportInputs& in) {
       return ReportText{write_grants(account, in.collectors)};
     }},
    {"dry-run",
     "Print each statement of the enabled collectors, how often it runs and what a day costs, and "
     "exit.",
     [](Account& account, const ReportInputs& in) {
       return ReportText{write_dry_run(account, in.collectors)};
     }},
};

}  // namespace

constinit const SourceKind<Account> kAccounts{.key = "accounts",
                                              .label = "account",
                                              .flags = kFlags,
                                              .needed_flag = "account.identifier",
                                              .make = make_account,
                                              .at_once = 5,
                                              .check = check_account,
                                              .reports = kReports};

}  // namespace exporter::snowflake
