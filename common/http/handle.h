#pragma once

#include <curl/curl.h>

#include <functional>
#include <optional>
#include <stop_token>

#include "common/base/deadline.h"
#include "common/http/curl.h"

namespace exporter::http {

/// A single connection, with the libcurl handles that keep it.
struct Handle {
  curl::Multi multi{curl::made(curl_multi_init())};
  curl::Easy easy{curl::made(curl_easy_init())};

  Handle() { curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 1L); }
};

/// An attempt in progress; removes it from libcurl on destruction.
class Running {
 public:
  explicit Running(const Handle& handle);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// Waits for the attempt's result; nothing if it was stopped or timed out. `until` is called
  /// again after each event.
  std::optional<CURLcode> finish(const std::function<Clock::time_point()>& until,
                                 const std::stop_token& stop);

 private:
  const Handle& handle_;
};

}  // namespace exporter::http
