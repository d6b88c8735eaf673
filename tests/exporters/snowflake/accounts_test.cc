#include "common/base/error.h"
#include "common/config/yaml.h"
#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/error_of.h"
#include "tests/support/upstreams.h"

using namespace exporter;

namespace {

std::string refusal(const std::string& entry) {
  return error_of(Reason::config, [&] { account_of("http://127.0.0.1:1", entry); });
}

enum class For { requests, report };

std::string list_refusal(const std::string& entry, For purpose = For::requests) {
  return error_of(Reason::config, [&] {
    const auto file = Yaml::parse("accounts: [{name: prod, " + entry + "}]", "snowflake.yml");
    const auto account = file.required("accounts").items().at(0);
    snowflake::kAccounts.make(
        {account.required("name").string(), account,
         std::make_shared<const Settings>(
             std::span<const Flag>(), std::map<std::string, std::vector<std::string>>(), nullptr),
         upstreams(), std::make_shared<Ledgers>(""), false, purpose == For::requests});
    file.finish();
  });
}

}  // namespace

TEST_CASE("an account has an identifier and one kind of credentials") {
  CHECK_THAT(list_refusal("oauth_token: t"), Catch::Contains("identifier: missing"));
  CHECK_THAT(list_refusal("identifier: 'my org', oauth_token: t"),
             Catch::Contains("identifier: expected an account identifier"));
  CHECK_THAT(list_refusal("identifier: myorg-prod"),
             Catch::Contains("no credentials: expected private_key and user, oauth_token, ") &&
                 Catch::Contains("(as flags: --account.private-key-file and --account.user, "));
  CHECK_THAT(list_refusal("identifier: myorg-prod, private_key: k"),
             Catch::Contains("private_key: needs a user"));
  CHECK_THAT(refusal("programmatic_access_token: t"),
             Catch::Contains("more than one kind of credentials"));
  CHECK_THAT(list_refusal("identifier: myorg-prod, workload_identity_token: t"),
             Catch::Contains("workload_identity_provider"));
  CHECK_THAT(list_refusal("identifier: myorg-prod, workload_identity_token: t, "
                          "workload_identity_provider: x"),
             Catch::Contains("expected aws, azure, gcp or oidc"));
  CHECK_THAT(refusal("passwort: x"), Catch::Contains("passwort"));
}

TEST_CASE("a report needs no credentials, and takes an account that has some") {
  CHECK(list_refusal("identifier: myorg-prod", For::report) == "no error");
  CHECK(list_refusal("identifier: myorg-prod, oauth_token_file: t", For::report) == "no error");
  CHECK(list_refusal("identifier: myorg-prod, user: u, private_key_file: k, "
                     "private_key_passphrase_file: p",
                     For::report) == "no error");
  CHECK_THAT(list_refusal("identifier: myorg-prod, oauth_tokn: t", For::report),
             Catch::Contains("oauth_tokn: unknown key"));
}

TEST_CASE("the address comes from the identifier, or is given") {
  CHECK(account_of("http://127.0.0.1:1")->url == "http://127.0.0.1:1");
}

TEST_CASE("what the warehouse may cost has bounds") {
  CHECK(account_of("http://127.0.0.1:1")->warehouse == nullptr);
  const auto account = account_of("http://127.0.0.1:1", "warehouse: W");
  CHECK(account->warehouse->options().name == "W");
  CHECK(account->warehouse->options().credits_per_day == 0.5);
  CHECK(account->warehouse->options().cycle == std::chrono::minutes(45));
  CHECK_THAT(refusal("warehouse: W, credits_per_day: -1"), Catch::Contains("expected 0 to"));
  CHECK_THAT(refusal("warehouse: W, cycle: 30s"), Catch::Contains("expected 1m to 1d"));
  CHECK_THAT(refusal("warehouse: W, statement_timeout: 2h"), Catch::Contains("expected 1s to 1h"));
}

TEST_CASE("each kind of token is sent as Snowflake expects it") {
  struct Case {
    std::string entry, type, authorization;
  };
  const auto& [entry, type, authorization] = GENERATE(values<Case>({
      {"programmatic_access_token: pat", "PROGRAMMATIC_ACCESS_TOKEN", "Bearer pat"},
      {"workload_identity_token: wif, workload_identity_provider: oidc",
       "WORKLOAD_IDENTITY_FEDERATION", "Bearer WIF.OIDC.wif"},
  }));
  AccountServer server;
  server.set_rows("SHOW", "name", "");
  const auto file = Yaml::parse("accounts: [{name: prod, identifier: myorg-prod, url: '" +
                                    server.url() + "', " + entry + "}]",
                                "snowflake.yml");
  const auto account = snowflake::kAccounts.make(
      {"prod", file.required("accounts").items().at(0),
       std::make_shared<const Settings>(std::span<const Flag>(),
                                        std::map<std::string, std::vector<std::string>>(), nullptr),
       upstreams(), std::make_shared<Ledgers>(""), false});
  account->api.run({.name = "show", .text = "SHOW X"}, Deadline::in(std::chrono::minutes(1)));
  const auto request = server.requests().at(0);
  CHECK_THAT(request, Catch::Contains("X-Snowflake-Authorization-Token-Type: " + type + "\r\n"));
  CHECK_THAT(request, Catch::Contains("Authorization: " + authorization + "\r\n"));
}
