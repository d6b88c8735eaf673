#pragma once

#include <curl/curl.h>

#include <functional>
#include <optional>
#include <stop_token>

#include "common/base/deadline.h"
#include "common/http/curl.h"

namespace exporter::http {

/// One connection at a time, and what libcurl needs to keep it.
struct Handle {
  curl::Multi multi{curl::made(curl_multi_init())};
  curl::Easy easy{curl::made(curl_easy_init())};

  Handle() { curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 1L); }
};

/// A try in libcurl's hands, until destruction takes it back.
class Running {
 public:
  explicit Running(const Handle& handle);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// What the try ended with; nothing when it was stopped or ran out of time. Until when it has
  /// time is asked again whenever something has happened.
  std::optional<CURLcode> finish(const std::function<Clock::time_point()>& until,
                                 const std::stop_token& stop);

 private:
  const Handle& handle_;
};

}  // namespace exporter::http
