#include "common/http/client.h"

#include "common/base/error.h"
#include "common/http/client_request.h"
#include "common/http/exchange.h"
#include "common/http/transport.h"
#include "common/http/url.h"

namespace exporter::http {

namespace {

Address checked_base(const ClientOptions& options) {
  Address base = parse_option_url("base_url", options.base_url, {"http://", "https://"});
  while (base.target.ends_with('/')) base.target.pop_back();
  if (!options.proxy.empty()) {
    parse_option_url("proxy", options.proxy, {"http://"});
    if (!options.unix_socket.empty()) {
      throw Error(Reason::config, "proxy: does not go together with a Unix socket");
    }
  }
  if (options.client_certificate_file.empty() && !options.client_key_file.empty()) {
    throw Error(Reason::config, "client_key_file: needs a client_certificate_file");
  }
  return base;
}

Reason reason_of_status(int status) {
  if (status == 401 || status == 403) return Reason::auth;
  return status == 429 ? Reason::rate_limited : Reason::http_status;
}

void require_ok(const ClientResponse& response, const std::string& what) {
  if (response.status == 200) return;
  throw Error(reason_of_status(response.status),
              what + ": status " + std::to_string(response.status));
}

}  // namespace

class Client::Impl {
 public:
  Impl(ClientOptions options, Authorize authorize, UpstreamMetrics& metrics)
      : options_(std::move(options)),
        authorize_(std::move(authorize)),
        metrics_(metrics),
        base_(checked_base(options_)),
        transport_(options_) {}

  ClientResponse send(ClientRequest request, const Deadline& deadline) {
    request.target = whole(request.target);
    return exchange(std::move(request), base_.origin, options_, deadline,
                    [&](const ClientRequest& each) { return try_once(each, deadline); });
  }

  Json get(std::string target, const Deadline& deadline) {
    ClientRequest request;
    request.target = std::move(target);
    request.headers = {{"Accept", "application/json"}};
    const std::string what = describe(request.method, base_.origin, whole(request.target));
    const ClientResponse response = send(std::move(request), deadline);
    require_ok(response, what);
    return Json::parse(response.body, what);
  }

  void stream(ClientRequest request, const Sink& sink, const Deadline& deadline) {
    request.target = whole(request.target);
    const std::string what = describe(request.method, base_.origin, request.target);
    require_ok(exchange(std::move(request), base_.origin, options_, deadline,
                        [&](const ClientRequest& each) { return try_once(each, deadline, &sink); }),
               what);
  }

 private:
  /// With the base URL's path; check_shape() refuses what fits no path.
  std::string whole(const std::string& target) const {
    if (target.starts_with('/')) return base_.target + target;
    if (!target.empty() && !target.starts_with('?')) return target;
    return (base_.target.empty() ? "/" : base_.target) + target;
  }

  Outcome try_once(ClientRequest request, const Deadline& deadline, const Sink* sink = nullptr) {
    if (authorize_) authorize_(request);
    check_shape(request, base_.origin);
    Outcome outcome = transport_.try_once(request, base_.origin, deadline, sink);
    if (!outcome.phases.empty()) {
      metrics_.count(options_.name,
                     outcome.failure ? "error" : std::to_string(outcome.response.status));
    }
    for (const auto& [phase, seconds] : outcome.phases) {
      metrics_.observe(options_.name, phase, seconds);
    }
    return outcome;
  }

  const ClientOptions options_;
  const Authorize authorize_;
  UpstreamMetrics& metrics_;
  const Address base_;
  Transport transport_;
};

Client::Client(ClientOptions options, Authorize authorize, UpstreamMetrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(authorize), metrics)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

ClientResponse Client::send(ClientRequest request, const Deadline& deadline) {
  return impl_->send(std::move(request), deadline);
}

Json Client::get(std::string target, const Deadline& deadline) {
  return impl_->get(std::move(target), deadline);
}

void Client::stream(ClientRequest request, const Sink& sink, const Deadline& deadline) {
  impl_->stream(std::move(request), sink, deadline);
}

}  // namespace exporter::http
