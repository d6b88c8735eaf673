#pragma once

#include <curl/curl.h>

#include <array>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/client.h"
#include "common/http/failure.h"
#include "common/http/gunzip.h"

namespace exporter::http {

inline constexpr const char* kCutShort = "the response was truncated";

/// What one attempt receives from libcurl: headers that are within limits and do not contradict
/// each other, and a decoded body within its limit.
class Transfer {
 public:
  /// Sets the callbacks of the handle, which must not run after this is destroyed. A sink receives
  /// the body of a 200 reply, of any size.
  Transfer(CURL* easy, std::size_t max_body, const Sink* sink);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  bool is_sent() const { return sent_; }                ///< the request, or a part of it
  bool has_begun() const { return header_bytes_ > 0; }  ///< the reply
  bool handed_over() const { return handed_over_; }     ///< a piece of it, to the sink
  std::string_view curl_error() const { return curl_error_.data(); }

  /// Rethrows what the sink threw.
  void rethrow() const;
  /// Why the reply was not read to its end, if libcurl does not know.
  const std::optional<Failure>& refused() const { return refused_; }
  /// Why a reply that libcurl takes for complete is not; nothing if it is.
  std::optional<Failure> find_fault();
  /// The complete reply.
  ClientResponse take_response();

 private:
  static std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) noexcept;
  static std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) noexcept;
  static int on_send(void* user, char*, char*, int, int) noexcept;

  bool take_header(std::string_view line);
  bool take_body(std::string_view bytes);
  bool take_piece(std::string_view piece);
  bool hand_over(std::string_view piece);
  bool check_headers();
  bool refuse(const std::string& why, Failure::Again again);
  long status() const;
  /// The values of duplicate headers joined by ", ".
  std::string header(const char* name) const;

  CURL* const easy_;
  const std::size_t max_body_;
  const Sink* const sink_;
  std::size_t header_bytes_ = 0, header_lines_ = 0;
  bool headers_ended_ = false, headers_checked_ = false;
  bool sent_ = false, handed_over_ = false;
  std::size_t received_ = 0;  ///< of the body, as received
  std::optional<Gunzip> gunzip_;
  std::string body_;
  std::exception_ptr thrown_;  ///< thrown by the sink
  std::optional<Failure> refused_;
  std::array<char, CURL_ERROR_SIZE> curl_error_{};
};

}  // namespace exporter::http
