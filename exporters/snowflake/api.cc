#include "exporters/snowflake/api.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <random>

#include "common/base/error.h"
#include "common/base/percent.h"
#include "common/base/text.h"
#include "common/config/json_object.h"
#include "common/http/refusal.h"

namespace exporter::snowflake {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kTimedOut = 408;  // the status of a statement that reached its timeout
constexpr std::string_view kPath = "/api/v2/statements";
constexpr std::size_t kMostBody = 64u << 20;  // of one partition; Snowflake's are about 10 MB
constexpr milliseconds kFirstPause{200}, kLongestPause{5000};
constexpr seconds kCancelTime{5};
constexpr std::string_view kIncomplete = "391908";

std::string_view to_string(TokenType type) {
  switch (type) {
    case TokenType::keypair_jwt: return "KEYPAIR_JWT";
    case TokenType::oauth: return "OAUTH";
    case TokenType::programmatic_access_token: return "PROGRAMMATIC_ACCESS_TOKEN";
    case TokenType::workload_identity: return "WORKLOAD_IDENTITY_FEDERATION";
  }
  return {};
}

/// A random UUID (RFC 9562, 5.4), by which Snowflake recognizes a repeated request.
std::string random_uuid() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::random_device random;  // slow: a word takes microseconds
  std::string uuid = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  std::uint32_t word = 0;
  int digits = 0;
  for (auto& c : uuid) {
    if (c != 'x' && c != 'y') continue;
    if (digits == 0) {
      word = random();
      digits = 8;
    }
    const auto value = word & 15;
    word >>= 4;
    --digits;
    c = c == 'x' ? kDigits[value] : kDigits[8 + value % 4];
  }
  return uuid;
}

std::string body_of(const Statement& statement, const std::string& role, const Deadline& deadline) {
  JsonObject tag, parameters, body;
  tag.add("app", "snowflake_exporter");
  tag.add("statement", statement.name);
  parameters.add("query_tag", tag.text());
  parameters.add("timezone", "UTC");
  body.add("statement", statement.text);
  body.add("timeout",
           static_cast<std::int64_t>(
               std::max(seconds(1), std::chrono::floor<seconds>(deadline.left())).count()));
  if (!statement.warehouse.empty()) body.add("warehouse", statement.warehouse);
  if (!role.empty()) body.add("role", role);
  body.add("parameters", parameters);
  return body.text();
}

/// The codes of a missing privilege: object does not exist or not authorized; insufficient
/// privileges.
bool is_privilege(std::string_view code) { return code == "002003" || code == "003001"; }

std::string text_of(const Json& body, std::string_view key) {
  const auto value = body.find(key);
  return value && value->is_string() ? value->string() : std::string();
}

/// Snowflake's code and message of a failure, which may quote the statement but not data.
std::string said_by(const Json& body) {
  const auto code = text_of(body, "code");
  const auto message = text_of(body, "message");
  return code.empty() ? message : code + ' ' + message;
}

[[noreturn]] void fail(const std::string& origin, const http::ClientResponse& response,
                       const Json& body) {
  const auto refusal = http::refusal(origin, response, said_by(body));
  const bool is_of_statement = !text_of(body, "code").empty();  // not from a proxy
  if (response.status == kTimedOut && is_of_statement) {
    throw StatementFailed(Reason::timeout, refusal.what());
  }
  if (response.status != 422) throw Error(refusal);
  const bool is_auth = is_privilege(text_of(body, "code"));
  throw StatementFailed(is_auth ? Reason::auth : Reason::query, refusal.what());
}

}  // namespace

Api::Api(ApiOptions options, http::UpstreamMetrics& metrics)
    : options_(std::move(options)),
      client_(
          [&] {
            auto client = options_.client;
            client.max_body = kMostBody;
            return client;
          }(),
          options_.authorize, metrics) {}

http::ClientResponse Api::send(http::ClientRequest request, const Deadline& deadline) {
  request.final_status = kTimedOut;
  request.headers.emplace_back("Accept", "application/json");
  request.headers.emplace_back("X-Snowflake-Authorization-Token-Type",
                               to_string(options_.token_type));
  return client_.send(std::move(request), deadline);
}

/// Statements on a warehouse are asynchronous: a slow reply could be taken for lost, and the
/// statement would be sent again while it runs.
Api::Reply Api::submit(const Statement& statement, const Deadline& deadline) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = std::string(kPath) + "?requestId=" + random_uuid() +
                   "&async=" + (statement.warehouse.empty() ? "false" : "true") + "&nullable=true";
  request.repeat_target = request.target + "&retry=true";
  request.body = body_of(statement, options_.role, deadline);
  request.headers.emplace_back("Content-Type", "application/json");
  request.idempotent = true;
  return read_reply(statement.name, send(std::move(request), deadline));
}

Api::Reply Api::ask(const std::string& origin, std::string target, const Deadline& deadline) {
  http::ClientRequest request;
  request.target = std::move(target);
  return read_reply(origin, send(std::move(request), deadline));
}

Api::Reply Api::read_reply(const std::string& origin, const http::ClientResponse& response) const {
  const bool is_answer = response.status == 200 || response.status == 202;
  if (!is_answer && options_.recording) {
    options_.recording->add_refusal(origin, response.status, response.body);
  }
  if (response.status == 401) {
    throw Error(Reason::auth, origin + ": status 401: " + why_refused());
  }
  if (response.status == 404) {
    throw http::refusal(origin, response, "there is no account of this name at this address");
  }
  auto body = [&] {
    try {
      return Json::parse(response.body, origin);
    } catch (const Error&) {
      if (!is_answer) throw http::refusal(origin, response);
      throw;
    }
  }();
  if (is_answer) return {std::move(body), response.status};
  fail(origin, response, body);
}

/// Results that cannot be read are recorded too, because reports are about those.
Table Api::run(const Statement& statement, const Deadline& deadline) {
  std::vector<Json> answers{await_result(statement, submit(statement, deadline), deadline)};
  const auto record = [&] {
    if (options_.recording) options_.recording->add(statement.name, answers);
  };
  record();
  if (text_of(answers[0], "code") == kIncomplete) {
    throw Error(Reason::decode, statement.name + ": the result is too large and was truncated");
  }
  Table table(statement.name, answers[0]);
  if (table.partitions() == 1) return table;
  const auto handle = percent_encoded(answers[0].at("statementHandle").string());
  for (std::size_t partition = 1; partition < table.partitions(); ++partition) {
    const auto target =
        std::string(kPath) + '/' + handle + "?partition=" + std::to_string(partition);
    answers.push_back(ask(statement.name, target, deadline).body);
    table.add_partition(answers.back());
  }
  record();
  return table;
}

/// If the wait ends early, cancels the statement.
Json Api::await_result(const Statement& statement, Reply reply, const Deadline& deadline) {
  if (reply.status == 200) return std::move(reply.body);
  const auto handle = reply.body.at("statementHandle").string();
  try {
    return wait_for(statement.name, percent_encoded(handle), deadline);
  } catch (const StatementFailed&) {
    throw;
  } catch (const Error&) {
    cancel(percent_encoded(handle));
    throw;
  }
}

Json Api::wait_for(const std::string& origin, const std::string& handle, const Deadline& deadline) {
  auto wait = kFirstPause;
  for (;;) {
    deadline.check();
    pause(std::min<milliseconds>(wait, deadline.left()), deadline.stop());
    auto reply = ask(origin, std::string(kPath) + '/' + handle, deadline);
    if (reply.status == 200) return std::move(reply.body);
    wait = std::min(kLongestPause, wait * 2);
  }
}

/// Has a time limit of its own, because that of the statement has passed. If it fails, the
/// statement's timeout remains.
void Api::cancel(const std::string& handle) {
  http::ClientRequest request;
  request.method = "POST";
  request.target = std::string(kPath) + '/' + handle + "/cancel";
  request.headers.emplace_back("Content-Type", "application/json");
  request.idempotent = true;
  try {
    send(std::move(request), Deadline::in(kCancelTime));
  } catch (const Error&) {
  }
}

std::string Api::why_refused() const {
  switch (options_.token_type) {
    case TokenType::keypair_jwt:
      return "the token is rejected, for one of these causes: the key is not that of user " +
             options_.user + " (DESCRIBE USER shows its RSA_PUBLIC_KEY_FP), the account is not " +
             options_.claim +
             ", there is no such user or it is disabled, or this host's clock is " + "wrong";
    case TokenType::oauth:
      return "the OAuth token is rejected: it has expired, or belongs to another account";
    case TokenType::programmatic_access_token:
      return "the access token is rejected: it has expired, is disabled, or the user has no "
             "network policy";
    case TokenType::workload_identity:
      return "the workload's token is rejected: it has expired, or no user has this workload "
             "identity";
  }
  return {};
}

}  // namespace exporter::snowflake
