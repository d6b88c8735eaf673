#include "common/http/client.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/http/client_request.h"
#include "common/http/exchange.h"
#include "common/http/pace.h"
#include "common/http/refusal.h"
#include "common/http/transport.h"
#include "common/http/url.h"

namespace exporter::http {

namespace {

void check_proxy(const ClientOptions& options) {
  const auto refuse = [](const std::string& why) { throw Error(Reason::config, why); };
  const auto& proxy = options.proxy;
  if (proxy.url.empty()) {
    if (proxy.login || !proxy.none.empty()) refuse("proxy: login or exceptions without a URL");
    return;
  }
  parse_option_url("proxy", proxy.url, {"http://"});
  if (!options.unix_socket.empty()) refuse("proxy: cannot be used with a Unix socket");
  for (const auto& host : proxy.none) {
    if (host.empty() || host.find_first_of(", \t\r\n") != host.npos) {
      refuse("no_proxy: expected host names or addresses");
    }
  }
}

void check_budget(const Budget& budget) {
  const auto refuse = [](const std::string& why) { throw Error(Reason::config, "budget: " + why); };
  const auto is_count = [](std::size_t count) { return count >= 1 && count <= Budget::kMost; };
  const double rate = budget.requests_per_second;
  if (rate != 0 && !(rate >= Budget::kLeastRate && rate <= Budget::kMostRate)) {
    refuse("requests_per_second: expected one per day to a million per second");
  }
  if (!is_count(budget.burst)) refuse("burst: expected 1 to 1000");
  if (!is_count(budget.at_once)) refuse("at_once: expected 1 to 1000");
}

Address checked_base(const ClientOptions& options) {
  Address base = parse_option_url("base_url", options.base_url, {"http://", "https://"});
  while (base.target.ends_with('/')) base.target.pop_back();
  check_proxy(options);
  check_budget(options.budget);
  if (options.client_certificate_file.empty() && !options.client_key_file.empty()) {
    throw Error(Reason::config, "client_key_file: needs a client_certificate_file");
  }
  return base;
}

/// How long a reply asks to wait, by its own clock if it has one.
std::optional<std::chrono::milliseconds> wanted_pause(const ClientResponse& response) {
  const auto value = [&](const char* name) {
    const auto found = response.headers.find(name);
    return found == response.headers.end() ? std::string_view() : std::string_view(found->second);
  };
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return parse_retry_after(value("retry-after"), parse_http_date(value("date"), now).value_or(now));
}

bool has_header(const ClientRequest& request, std::string_view name) {
  return std::ranges::any_of(
      request.headers, [&](const auto& header) { return equal_ignoring_case(header.first, name); });
}

}  // namespace

class Client::Impl {
 public:
  Impl(ClientOptions options, Authorize authorize, UpstreamMetrics& metrics)
      : options_(std::move(options)),
        authorize_(std::move(authorize)),
        metrics_(metrics),
        base_(checked_base(options_)),
        pace_(options_.pace ? options_.pace : std::make_shared<Pace>(options_.budget)),
        transport_(options_) {
    const auto now = Clock::now(), until = metrics.held_until(options_.name, base_.origin);
    if (until > now) pace_->hold(std::chrono::ceil<std::chrono::milliseconds>(until - now));
  }

  ClientResponse send(ClientRequest request, const Deadline& deadline, const Sink* sink) {
    request.target = whole(request.target);
    if (!request.repeat_target.empty()) request.repeat_target = whole(request.repeat_target);
    return exchange(std::move(request), base_.origin, options_, deadline, *pace_,
                    [&](const ClientRequest& each, Connection connection) {
                      return try_once(each, connection, deadline, sink);
                    });
  }

  /// How errors refer to the request.
  std::string name(const ClientRequest& request) const {
    return describe(request.method, base_.origin, whole(request.target));
  }

 private:
  /// Includes the base URL's path; check_shape() rejects what does not fit into one.
  std::string whole(const std::string& target) const {
    if (target.starts_with('/')) return base_.target + target;
    if (!target.empty() && !target.starts_with('?')) return target;
    return (base_.target.empty() ? "/" : base_.target) + target;
  }

  Attempt try_once(ClientRequest request, Connection connection, const Deadline& deadline,
                   const Sink* sink) {
    const auto start = Clock::now();
    Attempt attempt;
    attempt.failure = pace_->wait_turn(deadline, options_.urgency);
    if (attempt.failure) return attempt;
    const auto waited = Clock::now() - start;
    add_headers(request, deadline);
    check_shape(request, base_.origin);
    attempt = transport_.try_once(request, base_.origin, connection, deadline, sink);
    if (!attempt.failure) take_reply(request, attempt);
    count(attempt, waited + attempt.waited);
    return attempt;
  }

  void add_headers(ClientRequest& request, const Deadline& deadline) const {
    for (const auto& [name, value] : options_.headers) {
      if (!has_header(request, name)) request.headers.emplace_back(name, value.load().reveal());
    }
    if (authorize_.add) authorize_.add(request, deadline);
  }

  void take_reply(const ClientRequest& request, Attempt& attempt) {
    auto& response = attempt.response;
    if (is_transient(response.status)) {
      const auto pause = wanted_pause(response);
      if (pause && pause->count() > 0) {
        response.not_before = pace_->hold(*pause);
        metrics_.hold(options_.name, base_.origin, *response.not_before);
      }
    }
    attempt.has_new_credentials = authorize_.renew && authorize_.renew(request, response);
  }

  void count(const Attempt& attempt, Clock::duration waited) {
    const auto& name = options_.name;
    if (waited >= std::chrono::milliseconds(1)) {
      metrics_.observe(name, "wait", std::chrono::duration<double>(waited).count());
    }
    if (!attempt.phases.empty()) {
      metrics_.count(name, attempt.failure ? "error" : std::to_string(attempt.response.status));
    }
    for (const auto& [phase, seconds] : attempt.phases) metrics_.observe(name, phase, seconds);
  }

  const ClientOptions options_;
  const Authorize authorize_;
  UpstreamMetrics& metrics_;
  const Address base_;
  const std::shared_ptr<Pace> pace_;
  Transport transport_;
};

Client::Client(ClientOptions options, Authorize authorize, UpstreamMetrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(authorize), metrics)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

ClientResponse Client::send(ClientRequest request, const Deadline& deadline) {
  return impl_->send(std::move(request), deadline, nullptr);
}

Json Client::get(std::string target, const Deadline& deadline) {
  ClientRequest request;
  request.target = std::move(target);
  request.headers = {{"Accept", "application/json"}};
  const auto what = impl_->name(request);
  const auto response = impl_->send(std::move(request), deadline, nullptr);
  if (response.status != 200) throw refusal(what, response);
  return Json::parse(response.body, what);
}

void Client::stream(ClientRequest request, const Sink& sink, const Deadline& deadline) {
  const auto what = impl_->name(request);
  const auto response = impl_->send(std::move(request), deadline, &sink);
  if (response.status != 200) throw refusal(what, response);
}

}  // namespace exporter::http
