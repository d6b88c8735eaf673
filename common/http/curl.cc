#include "common/http/curl.h"

#include <algorithm>
#include <system_error>

#include "common/base/text.h"

namespace exporter::http::curl {

void initialise() {
  static const CURLcode kInitialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (kInitialised != CURLE_OK) throw Error(Reason::internal, "libcurl: cannot be initialised");
}

Phases connection_phases(CURL* easy) {
  Phases phases;
  const double name = seconds(easy, CURLINFO_NAMELOOKUP_TIME_T);
  const double connect = seconds(easy, CURLINFO_CONNECT_TIME_T);
  const double tls = seconds(easy, CURLINFO_APPCONNECT_TIME_T);
  if (name > 0) phases.emplace_back("name_lookup", name);
  if (connect > 0) phases.emplace_back("connect", connect - name);
  if (tls > 0) phases.emplace_back("tls", tls - connect);
  return phases;
}

double first_byte(CURL* easy) {
  // CURLINFO_PRETRANSFER_TIME_T would include sending the request.
  const double connected =
      std::max(seconds(easy, CURLINFO_CONNECT_TIME_T), seconds(easy, CURLINFO_APPCONNECT_TIME_T));
  return seconds(easy, CURLINFO_STARTTRANSFER_TIME_T) - connected;
}

std::string errno_text(int value) {
  std::string text = std::generic_category().message(value);
  return lower(text.substr(0, 1)) + text.substr(1);
}

std::string tls_text(std::string_view error) {
  constexpr std::size_t kMost = 500;  // bytes
  return "TLS: " + printable(trim(error), kMost);
}

}  // namespace exporter::http::curl
