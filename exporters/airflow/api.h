#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/config/json.h"
#include "common/config/json_object.h"
#include "common/http/authorize.h"
#include "common/http/client.h"

namespace exporter::airflow {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// The REST API of a deployment: v1 is Airflow 2, v2 is Airflow 3.
enum class ApiVersion : std::uint8_t { v1, v2 };

/// The version that a deployment reports.
struct Release {
  ApiVersion api;
  std::string number;  ///< "3.3.2"

  bool operator==(const Release&) const = default;
};

/// Parameters of a request, in order; names may repeat.
using Query = std::vector<std::pair<std::string_view, std::string>>;

struct Answer {
  Json body;
  Time time;  ///< the server's clock, to the second; ours if the server does not say
};

/// A user of Airflow: basic authentication for v1, POST /auth/token for v2.
struct Login {
  std::string user;
  SecretSource password;
};

struct ApiOptions {
  http::ClientOptions client;  ///< base_url is that of Airflow's web server, without a slash at its
                               ///< end
  http::Authorize authorize;   ///< other than a login; may be empty
  std::optional<Login> login;
  bool has_budget = false;  ///< client.budget is the user's; else see budget_of()
};

/// The default budget. Airflow 2 hashes the password at each request, which takes 0.2 s of CPU
/// time.
http::Budget budget_of(ApiVersion api);

/// The REST API of one deployment. All requests share one budget; those without a login go first,
/// because they are few and show whether the deployment is alive. Thread-safe.
class Api {
 public:
  /// Throws Error{config}. Does not connect yet.
  Api(ApiOptions options, http::UpstreamMetrics& metrics);

  /// The user's budget, or the version's default.
  http::Budget budget(ApiVersion api) const {
    return options_.has_budget ? options_.client.budget : budget_of(api);
  }

  /// The deployment's version. Detected again every five minutes, and after a path was not found,
  /// because of upgrades. Throws Error{decode} if neither API answers.
  Release release(const Deadline& deadline);

  /// The reply for a path below /api/v1 or /api/v2. Throws what http::Client::send() does, and
  /// Error{decode} if it is not JSON, such as a login page; other statuses as http::refusal(),
  /// whose text suggests the cause.
  Answer get(const std::string& path, const Query& query, const Deadline& deadline);
  /// The same; a 500 is not retried.
  Answer get_once(const std::string& path, const Query& query, const Deadline& deadline);
  /// The same as get() without a login, for paths that need none.
  Answer get_open(const std::string& path, const Deadline& deadline);
  /// As get(); nothing if the path was not found.
  std::optional<Answer> find(const std::string& path, const Query& query, const Deadline& deadline);
  /// The reply to a query that is too long for a URL; it may be repeated.
  Answer post(const std::string& path, const JsonObject& body, const Deadline& deadline);
  /// As get(); nothing for a 500, which is not retried.
  std::optional<Answer> get_unless_500(const std::string& path, const Query& query,
                                       const Deadline& deadline);

  /// Why nothing can be read, if every list was rejected when it was last requested: the cause is
  /// then the login. Otherwise a rejection means a missing permission for one list.
  std::optional<Error> refused() const;

 private:
  /// The detected version, and its client.
  struct Connection {
    Connection(Release release_, http::Client client_)
        : release(std::move(release_)), client(std::move(client_)) {}
    const Release release;
    http::Client client;
  };
  using Connected = std::shared_ptr<Connection>;

  /// A request below the prefix of the version.
  struct Question {
    std::string path;
    Query query = {};
    std::string method = "GET", body = {};
    bool is_open = false;  ///< without a login
    int final_status = 0;  ///< see http::ClientRequest
  };
  struct Reply {
    std::string what, path;  ///< what: for errors
    ApiVersion api;
    http::ClientResponse response;
  };

  Connected connection(const Deadline& deadline);
  Release detect(std::optional<Release> known, const Deadline& deadline);
  std::optional<Release> ask_release(ApiVersion api, std::string& found, const Deadline& deadline);
  Connected connect(const Release& release);
  http::ClientOptions client_options(http::Urgency urgency) const;
  http::Authorize authorize_for(ApiVersion api);
  Reply ask(Question question, const Deadline& deadline);
  Answer answer(const Reply& reply);
  Error refusal(const Reply& reply);
  std::string advice_on(const Reply& reply) const;
  void note_refused_login(const Error& error);

  const ApiOptions options_;
  http::UpstreamMetrics& metrics_;
  const std::shared_ptr<http::Pace> pace_;  // of all requests to the deployment
  http::Client open_;                       // for logins and for what needs none
  mutable std::mutex mutex_;                // of what follows
  std::condition_variable_any changed_;
  bool detecting_ = false;
  Connected connection_;
  Clock::time_point check_at_{};   // when to detect the version again
  std::set<std::string> allowed_;  // lists whose last request was not rejected
  std::optional<Error> refused_;
};

}  // namespace exporter::airflow
