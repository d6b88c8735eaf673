#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/live_web_config.h"
#include "common/http/rate_limit.h"
#include "common/http/server.h"
#include "common/http/users.h"

namespace exporter::http {

/// Decides who may pass, by the current web configuration; everyone without one.
class Gate {
 public:
  /// An empty file name means no TLS and no users. Throws Error{config} as WebConfig::load() does.
  /// `reloaded` is called with the result of each later reload of the file.
  Gate(const std::string& web_config_file, std::vector<std::string> open_paths,
       std::function<void(bool successful)> reloaded);

  bool tls() const { return tls_; }
  /// The context for a new connection; null without TLS.
  std::shared_ptr<const TlsContext> tls_context();

  struct Verdict {
    std::string user;                 ///< the authenticated user
    std::optional<Response> refusal;  ///< 401, 429 or 503; nothing when the request may pass
    std::shared_ptr<const WebConfig> config;  ///< used for this request; null without a file
  };
  /// Checks a request by its path and its Authorization header. Open paths always pass.
  Verdict judge(std::string_view path, std::string_view authorization);

 private:
  std::optional<Response> authenticate(const Users& users, std::string_view authorization,
                                       std::string& user);

  const std::vector<std::string> open_paths_;
  std::optional<LiveWebConfig> live_;
  bool tls_ = false;
  RateLimiter limiter_;
  PasswordCheck passwords_;
};

/// A plain text response without an expiry time.
Response plain_response(int status, std::string_view text);

}  // namespace exporter::http
