#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "tests/support/scripted_server.h"

/// The value of a request's header Authorization.
inline std::string authorization_of(const std::string& request) {
  const auto at = request.find("\r\nAuthorization: ") + 17;
  return request.substr(at, request.find("\r\n", at) - at);
}

/// A server that accepts some credentials and answers 401 to others.
class Guarded {
 public:
  explicit Guarded(std::string good) : good_(std::move(good)) {}
  void change(std::string good) {
    const std::lock_guard lock(mutex_);
    good_ = std::move(good);
  }
  std::string url() const { return server_.url(); }
  std::vector<std::string> seen() const {
    std::vector<std::string> all;
    for (const auto& each : server_.requests()) all.push_back(authorization_of(each));
    return all;
  }

 private:
  std::string answer_to(const std::string& request) {
    const std::lock_guard lock(mutex_);
    return authorization_of(request) == good_ ? reply(200, "in") : reply(401, "out");
  }

  std::mutex mutex_;
  std::string good_;
  ScriptedServer server_{answer([this](const std::string& each) { return answer_to(each); })};
};
