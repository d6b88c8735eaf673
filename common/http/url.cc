#include "common/http/url.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/http/curl.h"

namespace exporter::http {

namespace {

class Url {
 public:
  explicit Url(const std::string& text)
      : ok_(curl_url_set(url_.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK) {}

  bool ok() const { return ok_; }
  bool has(CURLUPart which) const { return !part(which).empty(); }
  std::string part(CURLUPart which) const {
    char* value = nullptr;
    if (curl_url_get(url_.get(), which, &value, CURLU_NO_DEFAULT_PORT) != CURLUE_OK) return {};
    return std::unique_ptr<char, curl::Free>(value).get();
  }
  /// The zone of an IPv6 address (RFC 6874) is an interface, whose name has upper and lower case.
  Address address() const {
    Address address{curl::lower(part(CURLUPART_SCHEME) + "://" + part(CURLUPART_HOST)),
                    part(CURLUPART_PATH)};
    if (has(CURLUPART_ZONEID)) address.origin.insert(address.origin.size() - 1, "%25" + zone());
    if (has(CURLUPART_PORT)) address.origin += ":" + part(CURLUPART_PORT);
    if (has(CURLUPART_QUERY)) address.target += "?" + part(CURLUPART_QUERY);
    return address;
  }

 private:
  std::string zone() const { return part(CURLUPART_ZONEID); }

  std::unique_ptr<CURLU, curl::Free> url_{curl::made(curl_url())};
  bool ok_;
};

}  // namespace

std::optional<Address> parse_url(const std::string& text) {
  const Url url(text);
  if (!url.ok()) return {};
  return url.address();
}

std::string url_fault(const std::string& text, std::initializer_list<std::string_view> schemes) {
  const Url url(text);
  const auto begins = [&](std::string_view with) { return curl::lower(text).starts_with(with); };
  if (!url.ok() && std::any_of(schemes.begin(), schemes.end(), begins)) {
    return "not a valid URL: expected a host and an optional port from 1 to 65535 after the scheme";
  }
  const auto origin = url.ok() ? url.address().origin : std::string();
  if (std::none_of(schemes.begin(), schemes.end(),
                   [&](auto scheme) { return origin.starts_with(scheme); })) {
    std::string allowed;
    for (const auto scheme : schemes) allowed.append(allowed.empty() ? "" : " or ").append(scheme);
    return "expected a URL that begins with " + allowed;
  }
  if (url.has(CURLUPART_USER) || url.has(CURLUPART_PASSWORD)) {
    return "must not contain a user or a password";
  }
  if (url.has(CURLUPART_QUERY) || url.has(CURLUPART_FRAGMENT)) {
    return "must not contain a query or a fragment";
  }
  return {};
}

Address parse_option_url(const std::string& option, const std::string& text,
                         std::initializer_list<std::string_view> schemes) {
  const auto fault = url_fault(text, schemes);
  if (!fault.empty()) throw Error(Reason::config, option + ": " + fault);
  return Url(text).address();
}

}  // namespace exporter::http
