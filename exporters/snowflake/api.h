#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/http/client.h"
#include "exporters/snowflake/recording.h"
#include "exporters/snowflake/table.h"

namespace exporter::snowflake {

/// The kind of credentials; the value of the header X-Snowflake-Authorization-Token-Type.
enum class TokenType : std::uint8_t {
  keypair_jwt,
  oauth,
  programmatic_access_token,
  workload_identity,
};

struct ApiOptions {
  http::ClientOptions client;  ///< base_url is the account's
  http::Authorize authorize;
  TokenType token_type = TokenType::keypair_jwt;
  std::string claim, user;  ///< in a JWT: for the text of a rejection
  std::string role;         ///< as SHOW prints it; empty: the user's default
  /// Records all results; null: none.
  std::shared_ptr<Recording> recording = {};
};

/// One SQL statement, without bind variables and secrets.
struct Statement {
  std::string name;  ///< "show_warehouses": for errors, and in the query tag
  std::string text;
  std::string warehouse = {};  ///< the warehouse that runs it; empty if it needs none
};

/// Snowflake has reported that the statement failed or was stopped, so it is not running.
struct StatementFailed : Error {
  using Error::Error;
};

/// Snowflake's SQL API v2 (docs.snowflake.com, "Snowflake SQL REST API"). Thread-safe.
class Api {
 public:
  /// Throws Error{config}. Does not connect yet.
  Api(ApiOptions options, http::UpstreamMetrics& metrics);

  /// Runs the statement and returns all of its rows, at most a million. Snowflake stops it at the
  /// deadline, by its timeout and by a request to cancel it. Its query tag is {"app":
  /// "snowflake_exporter", "statement": NAME}.
  ///
  /// Throws what http::Client::send() does; Error{auth} for a rejected token or a missing
  /// privilege; Error{query} with Snowflake's code if the statement fails for another reason;
  /// Error{timeout}; Error{decode}.
  Table run(const Statement& statement, const Deadline& deadline);

 private:
  struct Reply {
    Json body;
    int status;
  };

  http::ClientResponse send(http::ClientRequest request, const Deadline& deadline);
  Reply submit(const Statement& statement, const Deadline& deadline);
  Reply ask(const std::string& origin, std::string target, const Deadline& deadline);
  Reply read_reply(const std::string& origin, const http::ClientResponse& response) const;
  Json await_result(const Statement& statement, Reply reply, const Deadline& deadline);
  Json wait_for(const std::string& origin, const std::string& handle, const Deadline& deadline);
  void cancel(const std::string& handle);
  std::string why_refused() const;

  const ApiOptions options_;
  http::Client client_;
};

}  // namespace exporter::snowflake
