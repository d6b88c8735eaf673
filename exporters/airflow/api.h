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

/// Which REST API a deployment has: v1 is Airflow 2, v2 is Airflow 3.
enum class ApiVersion : std::uint8_t { v1, v2 };

/// What a deployment says of its version.
struct Release {
  ApiVersion api;
  std::string number;  ///< "3.3.2"

  bool operator==(const Release&) const = default;
};

/// Parameters of a request, in order; a name may come several times.
using Query = std::vector<std::pair<std::string_view, std::string>>;

struct Answer {
  Json body;
  Time time;  ///< the server's clock, to the second; ours when it does not say
};

/// A user of Airflow: basic authentication for v1, POST /auth/token for v2.
struct Login {
  std::string user;
  SecretSource password;
};

struct ApiOptions {
  http::ClientOptions client;  ///< base_url is that of Airflow's web server, without a slash at its
                               ///< end
  http::Authorize authorize;   ///< by other means than a login; may be empty
  std::optional<Login> login;
  bool has_budget = false;  ///< client.budget is the user's; else it is by version: see budget_of()
};

/// What may be asked when the user says nothing: Airflow 2 hashes the password at each request,
/// which takes 0.2 s of a processor there.
http::Budget budget_of(ApiVersion api);

/// The REST API of one deployment. All requests share one budget; what needs no login goes first,
/// as it is little, and says whether the deployment lives. Safe to use from several threads.
class Api {
 public:
  /// Throws Error{config}. Connects to nothing yet.
  Api(ApiOptions options, http::UpstreamMetrics& metrics);

  /// What may be asked: the user's budget, or the version's.
  http::Budget budget(ApiVersion api) const {
    return options_.has_budget ? options_.client.budget : budget_of(api);
  }

  /// Which Airflow answers. It is asked for again every five minutes, and after a path was not
  /// found, as an upgrade changes it. Throws Error{decode} when neither API answers.
  Release release(const Deadline& deadline);

  /// The answer of a path below /api/v1 or /api/v2. Throws what http::Client::send() does, and
  /// Error{decode} for what is not JSON, such as the page of a login; other statuses as
  /// http::refusal(), whose text says what may be wrong.
  Answer get(const std::string& path, const Query& query, const Deadline& deadline);
  /// The same for what needs no login, and is asked without one.
  Answer get_open(const std::string& path, const Deadline& deadline);
  /// The same; nothing when the path was not found.
  std::optional<Answer> find(const std::string& path, const Query& query, const Deadline& deadline);
  /// The answer to a question that is too long for a URL, and may be asked twice.
  Answer post(const std::string& path, const JsonObject& body, const Deadline& deadline);
  /// As get(); nothing for a 500, which is not asked again.
  std::optional<Answer> get_unless_500(const std::string& path, const Query& query,
                                       const Deadline& deadline);

  /// Why nothing may be read, if every list was refused when it was last asked for: the fault is
  /// the login's then. Else a refusal is that of a right to one list.
  std::optional<Error> refused() const;

 private:
  /// The version that was found, and the client for it.
  struct Connection {
    Connection(Release release_, http::Client client_)
        : release(std::move(release_)), client(std::move(client_)) {}
    const Release release;
    http::Client client;
  };
  using Connected = std::shared_ptr<Connection>;

  /// What is asked below the prefix of the version.
  struct Question {
    std::string path;
    Query query = {};
    std::string method = "GET", body = {};
    bool is_open = false;  ///< without a login
    int final_status = 0;  ///< as http::ClientRequest has it
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
  http::Client open_;                       // for what needs no login, and to log in
  mutable std::mutex mutex_;                // of what follows
  std::condition_variable_any changed_;
  bool detecting_ = false;
  Connected connection_;
  Clock::time_point check_at_{};   // when to ask again whether it is still this version
  std::set<std::string> allowed_;  // lists that were not refused when last asked for
  std::optional<Error> refused_;
};

}  // namespace exporter::airflow
