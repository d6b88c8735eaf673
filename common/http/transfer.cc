#include "common/http/transfer.h"

#include <new>

#include "common/base/text.h"
#include "common/http/curl.h"

namespace exporter::http {

namespace {

using curl::info;
using curl::set;

constexpr std::size_t kMaxHeaderBytes = 256 << 10;
constexpr std::size_t kMaxHeaderLines = 1000;
constexpr const char* kTooLarge = "the response body exceeds the limit";

/// Whether all values are the same number: if they differ, libcurl 7.88 uses the last.
bool is_one_length(std::string_view joined) {
  const auto first = trim(next_part(joined, ','));
  if (first.empty() || first.find_first_not_of("0123456789") != first.npos) return false;
  while (!joined.empty()) {
    if (trim(next_part(joined, ',')) != first) return false;
  }
  return true;
}

}  // namespace

Transfer::Transfer(CURL* easy, std::size_t max_body, const Sink* sink)
    : easy_(easy), max_body_(max_body), sink_(sink) {
  set(easy, CURLOPT_ERRORBUFFER, curl_error_.data());
  set(easy, CURLOPT_HEADERFUNCTION, &on_header);
  set(easy, CURLOPT_HEADERDATA, this);
  set(easy, CURLOPT_WRITEFUNCTION, &on_body);
  set(easy, CURLOPT_WRITEDATA, this);
  set(easy, CURLOPT_PREREQFUNCTION, &on_send);
  set(easy, CURLOPT_PREREQDATA, this);
  set(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  set(easy, CURLOPT_HTTP_CONTENT_DECODING, 0L);  // libcurl 7.88 accepts truncated gzip
}

std::size_t Transfer::on_header(char* data, std::size_t, std::size_t size, void* user) noexcept {
  return static_cast<Transfer*>(user)->take_header({data, size}) ? size : 0;
}

std::size_t Transfer::on_body(char* data, std::size_t, std::size_t size, void* user) noexcept {
  return static_cast<Transfer*>(user)->take_body({data, size}) ? size : 0;
}

/// If a kept connection turns out to be closed, libcurl would repeat any request by itself;
/// exchange() must decide whether that is safe.
int Transfer::on_send(void* user, char*, char*, int, int) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.sent_) return CURL_PREREQFUNC_ABORT;
  transfer.sent_ = true;
  return CURL_PREREQFUNC_OK;
}

bool Transfer::refuse(const std::string& why, Failure::Again again) {
  refused_ = Failure{Reason::decode, why, again};
  return false;
}

long Transfer::status() const { return info<long>(easy_, CURLINFO_RESPONSE_CODE); }

std::string Transfer::header(const char* name) const {
  std::string joined;
  curl_header* found = nullptr;
  for (std::size_t i = 0; ::curl_easy_header(easy_, name, i, CURLH_HEADER, -1, &found) == CURLHE_OK;
       ++i) {
    joined.append(i == 0 ? "" : ", ").append(trim(found->value));
  }
  return joined;
}

bool Transfer::take_header(std::string_view line) {
  if (line.starts_with("HTTP/")) headers_ended_ = false;
  if (line == "\r\n" || line == "\n") headers_ended_ = true;
  header_bytes_ += line.size();
  if (header_bytes_ <= kMaxHeaderBytes && ++header_lines_ <= kMaxHeaderLines) return true;
  return refuse("the response headers exceed 256 KiB or 1000 lines", Failure::Again::never);
}

bool Transfer::check_headers() {
  if (headers_checked_) return true;
  headers_checked_ = true;
  const auto length = header("content-length");
  if (!length.empty() && !is_one_length(length)) {
    return refuse("the response has more than one Content-Length", Failure::Again::never);
  }
  const auto transfer = header("transfer-encoding");
  if (!transfer.empty() && !equal_ignoring_case(transfer, "chunked")) {
    return refuse("the response's Transfer-Encoding is not chunked", Failure::Again::never);
  }
  const auto encoding = header("content-encoding");
  if (encoding.empty() || equal_ignoring_case(encoding, "identity") || status() == 206) return true;
  if (!equal_ignoring_case(encoding, "gzip") && !equal_ignoring_case(encoding, "x-gzip")) {
    return refuse("the response's Content-Encoding is not gzip", Failure::Again::if_repeatable);
  }
  gunzip_.emplace();
  return true;
}

bool Transfer::take_body(std::string_view bytes) {
  try {
    if (!check_headers()) return false;
    received_ += bytes.size();
    if (!gunzip_) return take_piece(bytes);
    if (received_ > max_body_ && (sink_ == nullptr || status() != 200)) {
      return refuse(kTooLarge, Failure::Again::never);
    }
    for (auto piece = gunzip_->next(bytes); !piece.empty(); piece = gunzip_->next(bytes)) {
      if (!take_piece(piece)) return false;
    }
    return true;
  } catch (const Error& error) {
    return refuse(std::string("the response body cannot be decompressed: ") + error.what(),
                  Failure::Again::if_repeatable);
  } catch (const std::bad_alloc&) {
    return refuse("the response body does not fit into memory", Failure::Again::never);
  }
}

bool Transfer::take_piece(std::string_view piece) {
  if (sink_ != nullptr && status() == 200) return hand_over(piece);
  if (piece.size() > max_body_ - body_.size()) return refuse(kTooLarge, Failure::Again::never);
  body_ += piece;
  return true;
}

bool Transfer::hand_over(std::string_view piece) {
  handed_over_ = true;
  try {
    (*sink_)(piece);
    return true;
  } catch (...) {
    thrown_ = std::current_exception();
    return false;
  }
}

void Transfer::rethrow() const {
  if (thrown_) std::rethrow_exception(thrown_);
}

std::optional<Failure> Transfer::find_fault() {
  using enum Failure::Again;
  if (!headers_ended_ || status() < 200) {
    return Failure{Reason::connect, kCutShort, if_repeatable};
  }
  if (!check_headers()) return refused_;
  if (gunzip_ && !gunzip_->is_whole()) {
    return Failure{Reason::decode, "the response's gzip data ends before its trailer",
                   if_repeatable};
  }
  return std::nullopt;
}

ClientResponse Transfer::take_response() {
  ClientResponse response;
  response.status = static_cast<int>(status());
  response.body = std::move(body_);
  curl_header* header = nullptr;
  while ((header = ::curl_easy_nextheader(easy_, CURLH_HEADER, -1, header)) != nullptr) {
    const std::string_view value = trim(header->value);  // libcurl 7.88 leaves "\r" if it is empty
    const auto [at, fresh] = response.headers.try_emplace(curl::lower(header->name), value);
    if (!fresh) at->second.append(", ").append(value);
  }
  return response;
}

}  // namespace exporter::http
