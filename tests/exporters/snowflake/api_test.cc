#include "exporters/snowflake/api.h"

#include "common/base/error.h"
#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::snowflake;
using std::chrono::minutes;

namespace {

const Statement kShow{.name = "show_things", .text = "SHOW THINGS"};
const Statement kSelect{.name = "things", .text = "SELECT 1", .warehouse = "EXPORTER"};
constexpr const char* kJson = "Content-Type: application/json\r\n";
const std::string kRunning =
    reply(202, R"({"code":"333334","message":"running","statementHandle":"01-a"})", kJson);

Deadline soon() { return Deadline::in(minutes(5)); }

std::vector<std::string> first_column(Account& account, const Statement& statement) {
  std::vector<std::string> values;
  Samples none;
  account.api.run(statement, soon()).each_row(none, [&](const Row& row) {
    values.push_back(row.need_text("name"));
  });
  return values;
}

std::string failure(const std::string& answer, Reason reason) {
  AccountServer server;
  server.set("SHOW", answer);
  const auto account = account_of(server.url());
  return error_of(reason, [&] { account->api.run(kShow, soon()); });
}

}  // namespace

TEST_CASE("a statement is sent with its tag, its time and what proves who asks") {
  AccountServer server;
  server.set_rows("SHOW", "name", R"(["a"],["b"])");
  const auto account = account_of(server.url(), "role: 'My Role'");
  CHECK(first_column(*account, kShow) == std::vector<std::string>{"a", "b"});
  const auto request = server.requests().at(0);
  CAPTURE(request);
  CHECK(request.starts_with("POST /api/v2/statements?requestId="));
  CHECK_THAT(request, Catch::Contains("&async=false&nullable=true HTTP"));
  CHECK_THAT(request, Catch::Contains("X-Snowflake-Authorization-Token-Type: OAUTH"));
  CHECK_THAT(request, Catch::Contains("Authorization: Bearer t"));
  CHECK_THAT(request, Catch::Contains("User-Agent: "));
  CHECK_THAT(request, Catch::Contains(R"("role":"My Role")"));
  CHECK_THAT(request, Catch::Contains(R"("timezone":"UTC")"));
  CHECK_THAT(
      request,
      Catch::Contains(
          R"("query_tag":"{\"app\":\"snowflake_exporter\",\"statement\":\"show_things\"}")"));
  CHECK_THAT(request, Catch::Contains(R"("timeout":299)") || Catch::Contains(R"("timeout":300)"));
  CHECK_THAT(request, !Catch::Contains("warehouse"));
}

TEST_CASE("a statement is waited for, by its handle") {
  AccountServer server;
  server.set("SELECT", kRunning);
  server.set_path("01-a", reply(200, rows_body("name", R"(["a"])"), kJson));
  const auto account = account_of(server.url());
  CHECK(first_column(*account, kSelect) == std::vector<std::string>{"a"});
  CHECK_THAT(server.requests().at(0), Catch::Contains("&async=true"));
  CHECK_THAT(server.requests().at(0), Catch::Contains(R"("warehouse":"EXPORTER")"));
  CHECK(server.count("GET /api/v2/statements/01-a ") == 1);
}

TEST_CASE("a statement that does not end is cancelled at the deadline") {
  AccountServer server;
  server.set("SELECT", kRunning);
  server.set_path("01-a/cancel", reply(200, R"({"code":"000604"})", kJson));
  server.set_path("01-a", kRunning);
  const auto account = account_of(server.url());
  error_of(Reason::timeout,
           [&] { account->api.run(kSelect, Deadline::in(std::chrono::milliseconds(700))); });
  CHECK(server.count("POST /api/v2/statements/01-a/cancel") == 1);
}

TEST_CASE("a statement that failed while it was waited for is not cancelled") {
  AccountServer server;
  server.set("SELECT", kRunning);
  server.set_path("01-a", failure_reply("000904", "invalid identifier"));
  const auto account = account_of(server.url());
  CHECK_THAT(error_of(Reason::query, [&] { account->api.run(kSelect, soon()); }),
             Catch::Contains("000904 invalid identifier"));
  CHECK(server.count("/cancel") == 0);
}

TEST_CASE("a request that is repeated says so, with the same id") {
  AccountServer server;
  server.set("SHOW", reply(503, "busy"));
  const auto account = account_of(server.url());
  error_of(Reason::http_status, [&] { account->api.run(kShow, soon()); });
  const auto requests = server.requests();
  REQUIRE(requests.size() == 3);
  const auto id = [](const std::string& request) {
    const auto at = request.find("requestId=");
    return request.substr(at, request.find('&', at) - at);
  };
  CHECK(id(requests[0]).size() == 46);
  for (std::size_t i = 1; i < requests.size(); ++i) {
    CHECK(id(requests[i]) == id(requests[0]));
    CHECK_THAT(requests[i], Catch::Contains("&retry=true HTTP"));
  }
  CHECK_THAT(requests[0], !Catch::Contains("retry=true"));
}

TEST_CASE("all partitions are read") {
  AccountServer server;
  auto body = rows_body("name", R"(["a"])");
  const std::string one = R"([{"rowCount":1}])";
  body.replace(body.find(one), one.size(), R"([{"rowCount":1},{"rowCount":2}])");
  server.set("SHOW", reply(200, body, kJson));
  server.set_path("01-a?partition=1", reply(200, R"({"data":[["b"],["c"]]})", kJson));
  const auto account = account_of(server.url());
  CHECK(first_column(*account, kShow) == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("a result that was cut by Snowflake is an error") {
  auto body = rows_body("name", "");
  body.replace(body.find("090001"), 6, "391908");
  CHECK_THAT(failure(reply(200, body, kJson), Reason::decode), Catch::Contains("too large"));
}

TEST_CASE("a missing privilege is told from another failure") {
  CHECK_THAT(failure(failure_reply("002003", "Object 'X' does not exist or not authorized."),
                     Reason::auth),
             Catch::Contains("show_things: status 422: 002003 Object 'X' does not exist"));
  CHECK_THAT(failure(failure_reply("003001", "Insufficient privileges"), Reason::auth),
             Catch::Contains("003001"));
  CHECK_THAT(failure(failure_reply("000904", "invalid identifier"), Reason::query),
             Catch::Contains("000904"));
}

TEST_CASE("Snowflake's own time limit is a timeout") {
  CHECK_THAT(
      failure(reply(408, R"({"code":"000630","message":"Statement reached its timeout"})", kJson),
              Reason::timeout),
      Catch::Contains("000630"));
}

TEST_CASE("a refused token says what may be wrong, and not what it is") {
  AccountServer server;
  server.set("SHOW",
             reply(401, R"({"code":"390303","message":"Invalid OAuth access token."})", kJson));
  const auto account = account_of(server.url(), "");
  const auto text = error_of(Reason::auth, [&] { account->api.run(kShow, soon()); });
  CHECK_THAT(text, Catch::Contains("the OAuth token is rejected"));
}

TEST_CASE("what is not Snowflake's is an error that holds nothing of it") {
  CHECK_THAT(failure(reply(200, "<html>secret</html>"), Reason::decode),
             Catch::Contains("not valid JSON") && !Catch::Contains("secret"));
  CHECK_THAT(failure(reply(403, "<html>secret</html>"), Reason::auth),
             Catch::Contains("status 403") && !Catch::Contains("secret"));
  CHECK_THAT(failure(reply(404, "<html>secret</html>"), Reason::http_status),
             Catch::Contains("no account of this name"));
  CHECK_THAT(failure(reply(200, "{}", kJson), Reason::decode),
             Catch::Contains("resultSetMetaData"));
}
