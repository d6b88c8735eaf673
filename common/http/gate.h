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

/// Who may pass, by the web configuration in force; everyone without one.
class Gate {
 public:
  /// No file: no TLS, no users. Throws Error{config} as WebConfig::load(). `reloaded` hears how
  /// each later reading of the file went.
  Gate(const std::string& web_config_file, std::vector<std::string> open_paths,
       std::function<void(bool successful)> reloaded);

  bool tls() const { return tls_; }
  /// What a new connection uses; nothing without TLS.
  std::shared_ptr<const TlsContext> tls_context();

  struct Verdict {
    std::string user;                 ///< who authenticated
    std::optional<Response> refusal;  ///< 401, 429 or 503; nothing when the request may pass
    std::shared_ptr<const WebConfig> config;  ///< in force for this request; null without a file
  };
  /// Judges a request by its path and its Authorization header. Open paths always pass.
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

/// A response of plain text that lives forever.
Response plain_response(int status, std::string_view text);

}  // namespace exporter::http
