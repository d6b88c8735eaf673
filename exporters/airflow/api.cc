#include "exporters/airflow/api.h"

#include <algorithm>
#include <array>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/percent.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/http/base64.h"
#include "common/http/pace.h"
#include "common/http/refusal.h"
#include "common/http/retry.h"
#include "common/ledger/ledger.h"
#include "exporters/airflow/python_json.h"

namespace exporter::airflow {
namespace {

constexpr std::size_t kMostBody = 64u << 20;  // a hundred rows are 100 kB
constexpr auto kCheckPause = std::chrono::minutes(5);

std::string_view prefix_of(ApiVersion api) { return api == ApiVersion::v1 ? "/api/v1" : "/api/v2"; }

std::string target_of(std::string_view prefix, const std::string& path, const Query& query) {
  auto target = std::string(prefix) + path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    target += std::exchange(separator, '&');
    target.append(name).append("=").append(percent_encoded(value));
  }
  return target;
}

bool is_json(const http::ClientResponse& response) {
  const auto type = response.headers.find("content-type");
  return type != response.headers.end() && type->second.find("json") != std::string::npos;
}

std::string type_of(const http::ClientResponse& response) {
  constexpr std::size_t kMost = 60;  // bytes
  const auto type = response.headers.find("content-type");
  return type == response.headers.end() ? "no Content-Type" : printable(type->second, kMost);
}

Json parse(const std::string& what, const http::ClientResponse& response) {
  if (!is_json(response)) {
    throw Error(Reason::decode, what + ": expected JSON, got " + type_of(response) +
                                    ": a login page, or another server");
  }
  try {
    return Json::parse(response.body, what);
  } catch (const Error&) {
    return Json::parse(json_of_python(response.body), what);
  }
}

Time time_of(const http::ClientResponse& response) {
  const auto now = Ledger::wall_clock();
  const auto date = response.headers.find("date");
  if (date == response.headers.end()) return now;
  const auto said =
      http::parse_http_date(date->second, std::chrono::floor<std::chrono::seconds>(now));
  return said ? Time(*said) : now;
}

/// Airflow's reason for a rejection: one of a list, because a reply may contain anything.
std::string_view detail_of(const http::ClientResponse& response) {
  constexpr std::array<std::string_view, 5> kKnown = {"Not authenticated", "Invalid credentials",
                                                      "Token Expired", "Invalid JWT token",
                                                      "Forbidden"};
  for (const auto known : kKnown) {
    if (response.body.find('"' + std::string(known) + '"') != std::string::npos) return known;
  }
  return {};
}

/// Airflow 3 rejects an invalid token with 401, or with 403 and this text; another 403 is a missing
/// permission.
bool refuses_token(const http::ClientResponse& response) {
  return response.status == 401 ||
         (response.status == 403 && detail_of(response) == "Invalid JWT token");
}

/// What a permission applies to: the path without its ids, which are every second part.
std::string list_of(std::string_view path) {
  std::string list;
  next_part(path, '/');
  while (!path.empty()) {
    list.append("/").append(next_part(path, '/'));
    next_part(path, '/');
  }
  return list;
}

/// When a token expires by the wall clock (RFC 7519, 4.1.4); Airflow's default lifetime from now if
/// it does not say.
Clock::time_point expiry_of(std::string_view token) {
  constexpr auto kUsual = std::chrono::hours(24), kLongest = std::chrono::hours(24 * 365);
  const auto now = Clock::now();
  next_part(token, '.');
  std::string claims(next_part(token, '.'));
  for (auto& c : claims) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const auto text = http::decode_base64(claims);
  if (!text) return now + kUsual;
  try {
    const auto expires = Json::parse(text->reveal(), "token").at("exp").number();
    const auto left =
        std::clamp(expires - unix_now(), 0.0, std::chrono::duration<double>(kLongest).count());
    return now + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(left));
  } catch (const Error&) {
    return now + kUsual;
  }
}

/// Airflow's reason for a rejection, and what to do about it.
std::string advised(const http::ClientResponse& response, std::string_view advice) {
  std::string text(detail_of(response));
  return text.append(text.empty() ? "" : ": ").append(advice);
}

/// What to do about a login that returns no token.
std::string advice_on_login(const http::ClientResponse& response) {
  if (response.status == 404) return "no tokens are issued for passwords: set bearer_token_file";
  if (response.status == 401) return advised(response, "check username and password");
  return std::string(detail_of(response));
}

http::FetchedToken fetch_token(http::Client& client, const std::string& url, const Login& login,
                               const Deadline& deadline) {
  const std::string what = "POST " + url + "/auth/token";
  JsonObject body;
  body.add("username", login.user);
  const auto password = login.password.load();
  body.add("password", password.reveal());
  http::ClientRequest request;
  request.method = "POST";
  request.target = "/auth/token";
  request.body = body.text();
  request.headers.emplace_back("Content-Type", "application/json");
  request.idempotent = true;
  const auto response = client.send(std::move(request), deadline);
  if (response.status != 200 && response.status != 201) {
    throw http::refusal(what, response, advice_on_login(response));
  }
  const auto reply = parse(what, response);
  auto token = reply.find("access_token");
  if (!token) token = reply.at("jwt_token");  // as documented for some releases
  Secret secret(token->string());
  const auto expires_at = expiry_of(secret.reveal());
  return {std::move(secret), expires_at};
}

/// Held by the caller that detects the version; releases `lock` meanwhile.
class Detecting {
 public:
  Detecting(bool& detecting, std::condition_variable_any& changed,
            std::unique_lock<std::mutex>& lock)
      : detecting_(detecting), changed_(changed), lock_(lock) {
    detecting_ = true;
    lock_.unlock();
  }
  ~Detecting() {
    if (!lock_.owns_lock()) lock_.lock();
    detecting_ = false;
    changed_.notify_all();
  }
  Detecting(const Detecting&) = delete;
  Detecting& operator=(const Detecting&) = delete;

 private:
  bool& detecting_;
  std::condition_variable_any& changed_;
  std::unique_lock<std::mutex>& lock_;
};

}  // namespace

http::Budget budget_of(ApiVersion api) {
  http::Budget budget;
  budget.requests_per_second = api == ApiVersion::v1 ? 0.5 : 2;
  budget.burst = 20;  // all lists at startup
  budget.at_once = 2;
  return budget;
}

/// The stricter budget applies until the version is known.
Api::Api(ApiOptions options, http::UpstreamMetrics& metrics)
    : options_(std::move(options)),
      metrics_(metrics),
      pace_(std::make_shared<http::Pace>(options_.has_budget ? options_.client.budget
                                                             : budget_of(ApiVersion::v1))),
      open_(client_options(http::Urgency::urgent), options_.authorize, metrics) {}

http::ClientOptions Api::client_options(http::Urgency urgency) const {
  auto options = options_.client;
  options.max_body = kMostBody;
  options.pace = pace_;
  options.urgency = urgency;
  return options;
}

Release Api::release(const Deadline& deadline) { return connection(deadline)->release; }

/// One caller detects the version, without the lock, while the others use the known one, or wait
/// for the result: each connection has a login of its own.
Api::Connected Api::connection(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  if (connection_ && detecting_) return connection_;
  const bool is_free =
      changed_.wait_until(lock, deadline.stop(), deadline.when(), [&] { return !detecting_; });
  if (!is_free) {
    deadline.check();
    throw Error(Reason::timeout,
                "the version of Airflow could not be detected before the deadline");
  }
  if (connection_ && Clock::now() < check_at_) return connection_;
  const Detecting detecting(detecting_, changed_, lock);
  std::optional<Release> known;
  if (connection_) known = connection_->release;
  const auto release = detect(known, deadline);
  auto connected = release == known ? nullptr : connect(release);
  lock.lock();
  if (connected) {
    connection_ = std::move(connected);
    allowed_.clear();
    refused_.reset();
  }
  check_at_ = Clock::now() + kCheckPause;
  return connection_;
}

/// Tries the previous API first.
Release Api::detect(std::optional<Release> known, const Deadline& deadline) {
  auto first = ApiVersion::v2, second = ApiVersion::v1;
  if (known && known->api == second) std::swap(first, second);
  std::string found;
  for (const auto api : {first, second}) {
    if (auto release = ask_release(api, found, deadline)) return *std::move(release);
  }
  throw Error(Reason::decode, "no Airflow: " + found);
}

/// Nothing if the deployment does not have that API; appends what it has instead to `found`.
std::optional<Release> Api::ask_release(ApiVersion api, std::string& found,
                                        const Deadline& deadline) {
  const auto target = std::string(prefix_of(api)) + "/version";
  const auto what = "GET " + options_.client.base_url + target;
  http::ClientRequest request;
  request.target = target;
  const auto response = open_.send(std::move(request), deadline);
  const auto status = response.status;
  if (status == 200 && is_json(response)) {
    return Release{api, parse(what, response).at("version").string()};
  }
  if (status != 200 && status != 404 && status != 410) throw http::refusal(what, response);
  found += (found.empty() ? "" : ", ") + what + ": " +
           (status == 200 ? type_of(response) : "status " + std::to_string(status));
  return std::nullopt;
}

Api::Connected Api::connect(const Release& release) {
  auto options = client_options(http::Urgency::ordinary);
  options.budget = budget(release.api);
  pace_->set_budget(options.budget);
  log::info("Airflow found", {{"deployment", options_.client.name}, {"version", release.number}});
  return std::make_shared<Connection>(
      release, http::Client(std::move(options), authorize_for(release.api), metrics_));
}

http::Authorize Api::authorize_for(ApiVersion api) {
  if (!options_.login) return options_.authorize;
  const auto& login = *options_.login;
  if (api == ApiVersion::v1) return http::with_password(login.user, login.password);
  return http::with_fetched_token(
      [this](const Deadline& deadline) {
        return fetch_token(open_, options_.client.base_url, *options_.login, deadline);
      },
      refuses_token);
}

/// Throws if the login is rejected.
Api::Reply Api::ask(Question question, const Deadline& deadline) {
  const auto connected = connection(deadline);
  const auto api = connected->release.api;
  http::ClientRequest request;
  request.method = question.method;
  request.target = target_of(prefix_of(api), question.path, question.query);
  if (!question.body.empty()) {
    request.body = std::move(question.body);
    request.headers.emplace_back("Content-Type", "application/json");
    request.idempotent = true;
  }
  request.final_status = question.final_status;
  auto& client = question.is_open ? open_ : connected->client;
  const auto what = question.method + ' ' + options_.client.base_url +
                    target_of(prefix_of(api), question.path, {});
  try {
    return {what, question.path, api, client.send(std::move(request), deadline)};
  } catch (const Error& error) {
    if (error.reason() == Reason::auth) note_refused_login(error);
    throw;
  }
}

Answer Api::get(const std::string& path, const Query& query, const Deadline& deadline) {
  return answer(ask({.path = path, .query = query}, deadline));
}

Answer Api::get_once(const std::string& path, const Query& query, const Deadline& deadline) {
  return answer(ask({.path = path, .query = query, .final_status = 500}, deadline));
}

std::optional<Answer> Api::find(const std::string& path, const Query& query,
                                const Deadline& deadline) {
  const auto reply = ask({.path = path, .query = query}, deadline);
  if (reply.response.status == 404) return std::nullopt;
  return answer(reply);
}

Answer Api::post(const std::string& path, const JsonObject& body, const Deadline& deadline) {
  return answer(ask({.path = path, .method = "POST", .body = body.text()}, deadline));
}

Answer Api::get_open(const std::string& path, const Deadline& deadline) {
  const auto reply = ask({.path = path, .is_open = true}, deadline);
  if (reply.response.status != 200) throw refusal(reply);
  return {parse(reply.what, reply.response), time_of(reply.response)};
}

std::optional<Answer> Api::get_unless_500(const std::string& path, const Query& query,
                                          const Deadline& deadline) {
  const auto reply = ask({.path = path, .query = query, .final_status = 500}, deadline);
  if (reply.response.status == 500) return std::nullopt;
  return answer(reply);
}

std::optional<Error> Api::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

Answer Api::answer(const Reply& reply) {
  const auto status = reply.response.status;
  if (status == 200) {
    Answer answer{parse(reply.what, reply.response), time_of(reply.response)};
    const std::lock_guard lock(mutex_);
    allowed_.insert(list_of(reply.path));
    refused_.reset();
    return answer;
  }
  if (status == 403) {
    const std::lock_guard lock(mutex_);
    allowed_.erase(list_of(reply.path));
  }
  const auto error = refusal(reply);
  if (refuses_token(reply.response)) note_refused_login(error);
  const std::lock_guard lock(mutex_);
  if (error.reason() == Reason::auth && allowed_.empty()) refused_ = error;
  throw error;
}

Error Api::refusal(const Reply& reply) {
  const auto& response = reply.response;
  const std::lock_guard lock(mutex_);
  if (response.status == 404) check_at_ = {};  // the version may have changed
  return http::refusal(reply.what, response, advice_on(reply));
}

/// What to do about a rejection; the caller holds `mutex_`.
std::string Api::advice_on(const Reply& reply) const {
  const auto& response = reply.response;
  const bool is_of_login = refuses_token(response);
  if (!is_of_login && response.status != 403) return std::string(detail_of(response));
  const auto& client = options_.client;
  if (!options_.login && !options_.authorize.add && client.headers.empty() &&
      client.client_certificate_file.empty()) {
    return "no credentials: set username and password_file, or bearer_token_file (as flags: "
           "--deployment.username, ...)";
  }
  if (!is_of_login && (reply.api == ApiVersion::v2 || !allowed_.empty())) {
    return "the user's role may not read this list";
  }
  if (reply.api == ApiVersion::v1) {
    return "the credentials are wrong or did not arrive, basic_auth is not among auth_backends of "
           "[api], or the user's role lacks the permission";
  }
  if (options_.authorize.add) return advised(response, "check bearer_token");
  return std::string(detail_of(response));
}

void Api::note_refused_login(const Error& error) {
  const std::lock_guard lock(mutex_);
  allowed_.clear();
  refused_ = error;
}

}  // namespace exporter::airflow
