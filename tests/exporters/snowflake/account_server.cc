#include "tests/exporters/snowflake/account_server.h"

#include "common/base/error.h"
#include "common/config/json.h"
#include "common/config/yaml.h"
#include "tests/support/upstreams.h"

using namespace exporter;

namespace {

constexpr const char* kJson = "Content-Type: application/json\r\n";

}  // namespace

std::string rows_body(const std::string& columns, const std::string& rows) {
  std::string types;
  std::string_view rest = columns;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    types.append(types.empty() ? "" : ",").append(R"({"name":")").append(rest.substr(0, comma));
    types.append(R"(","type":"text"})");
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  const auto count = Json::parse("[" + rows + "]", "rows").items().size();
  return R"({"code":"090001","statementHandle":"01-a","resultSetMetaData":{"numRows":)" +
         std::to_string(count) + R"(,"format":"jsonv2","rowType":[)" + types +
         R"(],"partitionInfo":[{"rowCount":)" + std::to_string(count) + R"(}]},"data":[)" + rows +
         "]}";
}

std::string failure_reply(const std::string& code, const std::string& message) {
  return reply(422,
               R"({"code":")" + code + R"(","message":")" + message +
                   R"(","sqlState":"42501","statementHandle":"01-a"})",
               kJson);
}

AccountServer::AccountServer()
    : server_(::answer([this](const std::string& request) { return answer_to(request); })) {}

void AccountServer::set_rows(const std::string& statement, const std::string& columns,
                             const std::string& rows) {
  set(statement, reply(200, rows_body(columns, rows), kJson));
}

void AccountServer::set(const std::string& statement, const std::string& reply) {
  const std::lock_guard lock(mutex_);
  statements_[statement] = reply;
}

void AccountServer::set_path(const std::string& path, const std::string& reply) {
  const std::lock_guard lock(mutex_);
  paths_[path] = reply;
}

std::size_t AccountServer::count(const std::string& text) const {
  std::size_t count = 0;
  for (const auto& request : server_.requests()) {
    count += request.find(text) != std::string::npos ? 1 : 0;
  }
  return count;
}

std::string AccountServer::answer_to(const std::string& request) {
  const std::lock_guard lock(mutex_);
  for (const auto& [path, reply] : paths_) {
    if (request.substr(0, request.find(" HTTP/")).find("statements/" + path) != std::string::npos) {
      return reply;
    }
  }
  for (const auto& [statement, reply] : statements_) {
    if (request.find(R"("statement":")" + statement) != std::string::npos) return reply;
  }
  return failure_reply("001003", "SQL compilation error");
}

std::shared_ptr<snowflake::Account> account_of(const std::string& url, const std::string& entry,
                                               std::shared_ptr<Ledgers> ledgers) {
  const auto file = Yaml::parse(
      "accounts: [{name: prod, identifier: myorg-prod, url: \"" + url + "\", " +
          (entry.find("private_key") == std::string::npos ? "oauth_token: t" : "user: exporter") +
          (entry.empty() ? "" : ", " + entry) + "}]",
      "snowflake.yml");
  const auto account = file.required("accounts").items().at(0);
  auto made = snowflake::kAccounts.make(
      {account.required("name").string(), account,
       std::make_shared<const Settings>(std::span<const Flag>(),
                                        std::map<std::string, std::vector<std::string>>(), nullptr),
       upstreams(), std::move(ledgers), false});
  file.finish();
  return made;
}

std::string page_of(const CollectFunction& collect) {
  Samples samples;
  collect(samples, Deadline::in(std::chrono::minutes(5)));
  if (samples.failure()) throw Error(*samples.failure());
  std::string page;
  samples.render(Format::text, page);
  return page;
}
