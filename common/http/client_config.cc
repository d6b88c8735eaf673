#include "common/http/client_config.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "common/base/text.h"
#include "common/http/authorize.h"
#include "common/http/client_request.h"
#include "common/http/tls.h"
#include "common/http/url.h"

namespace exporter::http {
namespace {

/// Headers that the client sets itself, or that would change the shape of its requests.
constexpr std::array<std::string_view, 13> kReserved = {"accept-encoding",
                                                        "connection",
                                                        "content-encoding",
                                                        "content-length",
                                                        "expect",
                                                        "host",
                                                        "keep-alive",
                                                        "proxy-connection",
                                                        "te",
                                                        "trailer",
                                                        "transfer-encoding",
                                                        "proxy-authorization",
                                                        "upgrade"};

bool is_reserved(std::string_view name) {
  return std::ranges::any_of(kReserved, [&](auto each) { return equal_ignoring_case(each, name); });
}

bool has_header(const ClientOptions& options, std::string_view name) {
  return std::ranges::any_of(
      options.headers, [&](const auto& header) { return equal_ignoring_case(header.first, name); });
}

/// A header's value: a text, or a map with `value`, `value_file` or `value_env`.
SecretSource read_header_value(const Yaml& header) {
  if (header.is_map()) return header.secret("value");
  auto text = header.string();
  if (!is_header_value(text)) header.fail("contains a line break or a control character");
  return SecretSource::literal(Secret(std::move(text)));
}

void read_headers(const Yaml& entry, ClientOptions& options) {
  const auto headers = entry.optional("headers");
  if (!headers) return;
  for (const auto& [name, value] : headers->entries()) {
    if (!is_header_name(name)) value.fail("not a header name");
    if (is_reserved(name)) value.fail("is set by the client itself");
    if (has_header(options, name)) value.fail("duplicate: header names are case-insensitive");
    options.headers.emplace_back(name, read_header_value(value));
  }
}

/// The file at `key`, relative to the directory of the configuration file; empty if there is no
/// key.
std::string read_file_name(const Yaml& entry, std::string_view key) {
  const auto given = entry.optional(key);
  if (!given) return {};
  const auto path = std::filesystem::path(entry.directory()) / given->string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    given->fail(path.string() + ": " + (error ? error.message() : "not a regular file"));
  }
  if (!std::ifstream(path)) given->fail(path.string() + ": cannot be read");
  return path.string();
}

void read_tls(const Yaml& entry, ClientOptions& options) {
  if (auto ca = read_file_name(entry, "ca_file"); !ca.empty()) {
    std::ifstream in(ca, std::ios::binary);
    const std::string pem(std::istreambuf_iterator<char>(in), {});
    if (!earliest_expiry(pem)) entry.required("ca_file").fail(ca + ": contains no certificate");
    options.ca_file = std::move(ca);
  }
  options.client_certificate_file = read_file_name(entry, "client_certificate_file");
  options.client_key_file = read_file_name(entry, "client_key_file");
  if (options.client_certificate_file.empty() && !options.client_key_file.empty()) {
    entry.required("client_key_file").fail("needs a client_certificate_file");
  }
}

void read_proxy(const Yaml& entry, ClientOptions& options) {
  auto& proxy = options.proxy;
  const auto url = entry.optional("proxy");
  auto user = entry.optional_secret("proxy_username");
  auto password = entry.optional_secret("proxy_password");
  const auto none = entry.optional("no_proxy");
  if (!url) {
    if (user || password) entry.fail("proxy_username and proxy_password need a proxy");
    if (none) none->fail("needs a proxy");
    return;
  }
  proxy.url = url->string();
  if (const auto fault = url_fault(proxy.url, {"http://"}); !fault.empty()) {
    url->fail(fault + (fault.ends_with("password") ? ": see proxy_username" : ""));
  }
  if (user.has_value() != password.has_value()) {
    entry.fail("proxy_username and proxy_password must be given together");
  }
  if (user) proxy.login = {std::move(*user), std::move(*password)};
  if (!none) return;
  for (const auto& item : none->items()) {
    proxy.none.push_back(item.string());
    if (proxy.none.back().empty() ||
        proxy.none.back().find_first_of(", \t\n") != std::string::npos) {
      item.fail("expected a host name or an address");
    }
  }
}

void read_duration(const Yaml& entry, std::string_view key, std::chrono::milliseconds& duration) {
  const auto given = entry.optional(key);
  if (!given) return;
  duration = given->duration();
  if (duration <= duration.zero() || duration > std::chrono::hours(1)) {
    given->fail("expected a duration above 0 and at most 1h");
  }
}

void read_count(const Yaml& budget, std::string_view key, std::size_t& count) {
  const auto given = budget.optional(key);
  if (!given) return;
  const auto number = given->integer();
  if (number < 1 || number > static_cast<std::int64_t>(Budget::kMost)) {
    given->fail("expected 1 to 1000");
  }
  count = static_cast<std::size_t>(number);
}

void read_budget(const Yaml& entry, Budget& budget) {
  const auto given = entry.optional("budget");
  if (!given) return;
  if (const auto rate = given->optional("requests_per_second")) {
    budget.requests_per_second = rate->number();
    if (budget.requests_per_second < Budget::kLeastRate ||
        budget.requests_per_second > Budget::kMostRate) {
      rate->fail("expected one per day to a million per second");
    }
  }
  read_count(*given, "burst", budget.burst);
  read_count(*given, "at_once", budget.at_once);
}

Authorize read_credentials(const Yaml& entry, const ClientOptions& options) {
  auto token = entry.optional_secret("bearer_token");
  const auto user = entry.optional("username");
  auto password = entry.optional_secret("password");
  if (token && user) user->fail("bearer_token is also given: they are mutually exclusive");
  if (password && !user) entry.fail("password needs a username");
  if (user && !password) entry.secret("password");  // says how it can be given
  if ((token || user) && has_header(options, "Authorization")) {
    entry.required("headers").fail(
        "Authorization and credentials are both given: they are mutually exclusive");
  }
  if (token) return with_token("Bearer", std::move(*token));
  if (!user) return {};
  const auto name = user->string();
  if (name.find(':') != name.npos) user->fail("a user name cannot contain a colon");
  return with_password(name, std::move(*password));
}

}  // namespace

std::string read_url(const Yaml& entry, std::string_view key) {
  const auto given = entry.required(key);
  auto url = given.string();
  if (const auto fault = url_fault(url, {"http://", "https://"}); !fault.empty()) given.fail(fault);
  return url;
}

ClientOptions read_client_options(const Yaml& entry, ClientOptions defaults) {
  auto options = std::move(defaults);
  read_headers(entry, options);
  read_tls(entry, options);
  read_proxy(entry, options);
  read_duration(entry, "connect_timeout", options.retry.connect_timeout);
  read_duration(entry, "try_timeout", options.retry.try_timeout);
  read_budget(entry, options.budget);
  return options;
}

ClientConfig read_client_config(const Yaml& entry, ClientOptions defaults) {
  ClientConfig config{read_client_options(entry, std::move(defaults)), {}};
  if (config.options.base_url.empty() || entry.optional("url")) {
    config.options.base_url = read_url(entry, "url");
  }
  config.authorize = read_credentials(entry, config.options);
  return config;
}

}  // namespace exporter::http
