#include "common/http/gate.h"

#include <algorithm>
#include <utility>

namespace exporter::http {

Gate::Gate(const std::string& web_config_file, std::vector<std::string> open_paths,
           std::function<void(bool)> reloaded)
    : open_paths_(std::move(open_paths)) {
  if (web_config_file.empty()) return;
  live_.emplace(web_config_file, std::move(reloaded));
  tls_ = live_->current()->tls.has_value();
}

std::shared_ptr<const TlsContext> Gate::tls_context() {
  if (!tls_) return nullptr;
  auto generation = live_->current();
  const auto* context = &*generation->tls;
  return {std::move(generation), context};
}

Gate::Verdict Gate::judge(std::string_view path, std::string_view authorization) {
  Verdict verdict;
  if (!live_) return verdict;
  auto generation = live_->current();
  const auto& config = generation->config;
  verdict.config = {std::move(generation), &config};
  if (std::ranges::find(open_paths_, path) != open_paths_.end()) return verdict;
  if (config.rate_limit && !limiter_.allow(*config.rate_limit, Clock::now())) {
    verdict.refusal = plain_response(429, "too many requests\n");
  } else if (!config.users.empty()) {
    verdict.refusal = authenticate(config.users, authorization, verdict.user);
  }
  return verdict;
}

std::optional<Response> Gate::authenticate(const Users& users, std::string_view authorization,
                                           std::string& user) {
  auto credentials = parse_basic(authorization);
  const auto result =
      credentials ? passwords_.check(users, *credentials) : PasswordCheck::Result::wrong;
  if (result == PasswordCheck::Result::right) {
    user = std::move(credentials->user);
    return std::nullopt;
  }
  if (result == PasswordCheck::Result::busy) {
    return plain_response(503, "too many password checks at once\n");
  }
  auto response = plain_response(401, "unauthorized\n");
  response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"exporter\", charset=\"UTF-8\"");
  return response;
}

Response plain_response(int status, std::string_view text) {
  Response response;
  response.status = status;
  response.body.add(text, nullptr);
  return response;
}

}  // namespace exporter::http
