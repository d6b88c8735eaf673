#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/error.h"

/// Owners for libcurl's objects, and typed wrappers for its options. Only for common/http/.
namespace exporter::http::curl {

struct Free {
  void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  void operator()(char* text) const noexcept { curl_free(text); }
};
struct FreeMulti {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};

using Easy = std::unique_ptr<CURL, Free>;
using Multi = std::unique_ptr<CURLM, FreeMulti>;
using Lines = std::unique_ptr<curl_slist, Free>;

/// The object that libcurl created; throws if it is null.
template <class Object>
Object* made(Object* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

/// Sets an option, with the type that curl_easy_setopt(3) gives it; throws Error{internal}.
template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  if (const CURLcode code = (curl_easy_setopt)(easy, option, value); code != CURLE_OK) {
    throw Error(Reason::internal, std::string("libcurl: ") + curl_easy_strerror(code));
  }
}

/// Reads a value, with the type that curl_easy_getinfo(3) gives it.
template <class Value>
Value info(CURL* easy, CURLINFO what) {
  Value value{};
  (curl_easy_getinfo)(easy, what, &value);
  return value;
}

/// Initializes libcurl, before its first object is created. Throws Error{internal} if that fails.
void initialise();

/// A time value, in seconds.
inline double seconds(CURL* easy, CURLINFO what) {
  return static_cast<double>(info<curl_off_t>(easy, what)) / 1e6;
}

/// How long phases took, in seconds.
using Phases = std::vector<std::pair<std::string_view, double>>;

/// The phases of a new connection that were completed: name_lookup, connect, tls.
Phases connection_phases(CURL* easy);
/// Seconds from the established connection to the first byte of the reply.
double first_byte(CURL* easy);

/// The text of an errno value, starting in lower case.
std::string errno_text(int value);
/// "TLS: " and libcurl's message about a failed handshake, on one line and without control
/// characters.
std::string tls_text(std::string_view error);

inline std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace exporter::http::curl
