#include "common/http/web_config.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/config/yaml.h"
#include "common/http/tls.h"

namespace exporter::http {

namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

struct Named {
  std::string_view name, meaning;
};

constexpr std::array<std::pair<std::string_view, ClientAuth>, 6> kClientAuth{{
    {"NoClientCert", ClientAuth::none},
    {"RequestClientCert", ClientAuth::request},
    {"RequireAnyClientCert", ClientAuth::require_any},
    {"RequireClientCert", ClientAuth::require_any},  // the former name
    {"VerifyClientCertIfGiven", ClientAuth::verify_if_given},
    {"RequireAndVerifyClientCert", ClientAuth::require_and_verify},
}};

constexpr std::array kVersions{Named{"TLS12", ":+VERS-TLS1.2"}, Named{"TLS13", ":+VERS-TLS1.3"}};

constexpr std::array kCurves{
    Named{"X25519", ":+GROUP-X25519"},
    Named{"CurveP256", ":+GROUP-SECP256R1"},
    Named{"CurveP384", ":+GROUP-SECP384R1"},
    Named{"CurveP521", ":+GROUP-SECP521R1"},
};

/// A suite by its name in Go's crypto/tls, in GnuTLS terms; TLS 1.3 suites have no key exchange.
struct Suite {
  std::string_view name, key_exchange, cipher, mac;
};
constexpr std::array kSuites{
    Suite{"TLS_AES_128_GCM_SHA256", "", ":+AES-128-GCM", ":+AEAD"},
    Suite{"TLS_AES_256_GCM_SHA384", "", ":+AES-256-GCM", ":+AEAD"},
    Suite{"TLS_CHACHA20_POLY1305_SHA256", "", ":+CHACHA20-POLY1305", ":+AEAD"},
    Suite{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ":+ECDHE-ECDSA", ":+AES-128-GCM", ":+AEAD"},
    Suite{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", ":+ECDHE-ECDSA", ":+AES-256-GCM", ":+AEAD"},
    Suite{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ":+ECDHE-ECDSA", ":+CHACHA20-POLY1305",
          ":+AEAD"},
    Suite{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ":+ECDHE-RSA", ":+AES-128-GCM", ":+AEAD"},
    Suite{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", ":+ECDHE-RSA", ":+AES-256-GCM", ":+AEAD"},
    Suite{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ":+ECDHE-RSA", ":+CHACHA20-POLY1305",
          ":+AEAD"},
    Suite{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", ":+ECDHE-ECDSA", ":+AES-128-CBC", ":+SHA1"},
    Suite{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", ":+ECDHE-ECDSA", ":+AES-256-CBC", ":+SHA1"},
    Suite{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", ":+ECDHE-RSA", ":+AES-128-CBC", ":+SHA1"},
    Suite{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", ":+ECDHE-RSA", ":+AES-256-CBC", ":+SHA1"},
};
constexpr std::size_t kDefaultSuites = 9;  // those with AEAD ciphers

/// The headers that may be added, and their allowed values if those are fixed.
struct AllowedHeader {
  std::string_view name;
  std::array<std::string_view, 2> values;
};
constexpr std::array kHeaders{
    AllowedHeader{"Content-Security-Policy", {}},
    AllowedHeader{"Strict-Transport-Security", {}},
    AllowedHeader{"X-Content-Type-Options", {"nosniff"}},
    AllowedHeader{"X-Frame-Options", {"deny", "sameorigin"}},
    AllowedHeader{"X-XSS-Protection", {}},
};

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

/// The table entry with that name; fails with the valid names.
template <class Table>
const auto& find_named(const Yaml& value, const Table& table, auto name_of) {
  const auto name = value.string();
  const auto found = std::ranges::find(table, name, name_of);
  if (found != std::end(table)) return *found;
  std::string why = in_quotes(name) + " is none of";
  for (const auto& each : table) why.append(" ").append(std::invoke(name_of, each));
  value.fail(why);
}

std::string read_file(const Yaml& from, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) from.fail(io_error(path, errno).what());
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) from.fail(path + ": cannot be read");
  if (text.size() > kMaxFileBytes) from.fail(path + ": larger than 1 MiB");
  return text;
}

std::string path_of(const Yaml& file) {
  const auto name = file.string();
  if (name.find('\n') != std::string::npos) file.fail("more than one line: not the name of a file");
  return (std::filesystem::path(file.directory()) / name).string();
}

/// The PEM text at `key`, or in the file at `key`_file.
std::optional<std::string> optional_pem(const Yaml& tls, const std::string& key,
                                        std::vector<std::string>& files) {
  const auto text = tls.optional(key);
  const auto file = tls.optional(key + "_file");
  if (text && file) file->fail("only one of " + key + " and " + key + "_file may be given");
  if (text) return text->string();
  if (!file) return std::nullopt;
  files.push_back(path_of(*file));
  return read_file(*file, files.back());
}

Secret read_key(const Yaml& tls, std::vector<std::string>& files) {
  const auto source = tls.secret("key");
  if (const auto file = tls.optional("key_file")) files.push_back(path_of(*file));
  try {
    return source.load();
  } catch (const Error& error) {
    tls.fail(error.what());
  }
}

std::string versions(const Yaml& tls) {
  const auto index_of = [&](std::string_view key, std::size_t fallback) {
    const auto value = tls.optional(key);
    if (!value) return fallback;
    const auto& version = find_named(*value, kVersions, &Named::name);
    return static_cast<std::size_t>(&version - kVersions.data());
  };
  const auto lowest = index_of("min_version", 0);
  const auto highest = index_of("max_version", kVersions.size() - 1);
  if (lowest > highest) tls.required("max_version").fail("below min_version");
  std::string text = ":-VERS-ALL";
  for (auto i = highest + 1; i > lowest; --i) text += kVersions[i - 1].meaning;
  return text;
}

void add_once(std::string& list, std::string_view item) {
  if ((list + ":").find(std::string(item) + ":") == std::string::npos) list += item;
}

std::string suites(const Yaml& tls) {
  std::vector<Suite> chosen(kSuites.begin(), kSuites.begin() + kDefaultSuites);
  if (const auto list = tls.optional("cipher_suites")) {
    if (const auto items = list->items(); !items.empty()) {
      chosen.clear();
      for (const auto& item : items) chosen.push_back(find_named(item, kSuites, &Suite::name));
    }
  }
  std::string key_exchanges = ":-KX-ALL", ciphers = ":-CIPHER-ALL", macs = ":-MAC-ALL";
  for (const auto& suite : chosen) {
    if (!suite.key_exchange.empty()) add_once(key_exchanges, suite.key_exchange);
    add_once(ciphers, suite.cipher);
    add_once(macs, suite.mac);
  }
  return key_exchanges + ciphers + macs;
}

std::string curves(const Yaml& tls) {
  std::string text = ":-GROUP-ALL";
  const auto list = tls.optional("curve_preferences");
  const auto items = list ? list->items() : std::vector<Yaml>{};
  for (const auto& item : items) add_once(text, find_named(item, kCurves, &Named::name).meaning);
  if (items.empty()) {
    for (const auto& curve : kCurves) text += curve.meaning;
  }
  return text;
}

std::string priorities(const Yaml& tls) {
  const auto prefer_server = tls.optional("prefer_server_cipher_suites");
  std::string text = "NORMAL" + versions(tls) + suites(tls) + curves(tls);
  if (!prefer_server || prefer_server->boolean()) text += ":%SERVER_PRECEDENCE";
  return text;
}

void read_client_auth(const Yaml& yaml, WebConfig::Tls& tls, std::vector<std::string>& files) {
  const auto type = yaml.optional("client_auth_type");
  const auto name_of = [](const auto& entry) { return entry.first; };
  if (type) tls.client_auth = find_named(*type, kClientAuth, name_of).second;
  const auto ca = optional_pem(yaml, "client_ca", files);
  tls.client_ca_pem = ca.value_or("");
  if (ca && tls.client_auth == ClientAuth::none) {
    yaml.fail("client_ca needs a client_auth_type that asks for certificates");
  }
  if (!ca && (tls.client_auth == ClientAuth::verify_if_given ||
              tls.client_auth == ClientAuth::require_and_verify)) {
    type->fail("needs client_ca or client_ca_file");
  }
  const auto sans = yaml.optional("client_allowed_sans");
  if (!sans) return;
  for (const auto& san : sans->items()) tls.client_allowed_sans.push_back(san.string());
  if (tls.client_allowed_sans.empty()) sans->fail("no names in it");
  if (tls.client_auth != ClientAuth::require_any &&
      tls.client_auth != ClientAuth::require_and_verify) {
    sans->fail("needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert");
  }
}

WebConfig::Tls read_tls(const Yaml& yaml, std::vector<std::string>& files) {
  WebConfig::Tls tls;
  auto certificate = optional_pem(yaml, "cert", files);
  if (!certificate) yaml.fail("cert or cert_file is missing");
  tls.certificate_pem = std::move(*certificate);
  tls.key_pem = read_key(yaml, files);
  read_client_auth(yaml, tls, files);
  tls.priorities = priorities(yaml);
  try {
    const TlsContext check(tls);
  } catch (const Error& error) {
    yaml.fail(error.what());
  }
  return tls;
}

std::pair<std::string, std::string> read_header(const std::string& name, const Yaml& yaml) {
  const auto allowed = std::ranges::find(kHeaders, name, &AllowedHeader::name);
  if (allowed == kHeaders.end()) yaml.fail("this header cannot be configured");
  const auto value = yaml.string();
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  if (std::ranges::any_of(value, is_control)) yaml.fail("control characters in a header");
  const auto& [first, second] = allowed->values;
  if (!first.empty() && !value.empty() && value != first && (second.empty() || value != second)) {
    yaml.fail(second.empty() ? "expected " + in_quotes(first)
                             : "expected " + in_quotes(first) + " or " + in_quotes(second));
  }
  return {name, value};
}

void read_http(const Yaml& yaml, WebConfig& config) {
  if (const auto http2 = yaml.optional("http2")) config.wants_http2 = http2->boolean();
  if (const auto headers = yaml.optional("headers")) {
    for (const auto& [name, value] : headers->entries()) {
      auto header = read_header(name, value);
      if (!header.second.empty()) config.headers.push_back(std::move(header));
    }
  }
}

/// "$2y$10$" and 53 digits in bcrypt's base 64 (crypt(5)).
bool is_bcrypt(std::string_view hash) {
  constexpr std::string_view kDigits =
      "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (hash.size() != 60 || hash[6] != '$') return false;
  const auto kind = hash.substr(0, 4);
  const auto cost = parse_number<int>(hash.substr(4, 2)).value_or(0);
  return (kind == "$2a$" || kind == "$2b$" || kind == "$2y$") && cost >= 4 && cost <= 31 &&
         hash.find_first_not_of(kDigits, 7) == std::string_view::npos;
}

void read_users(const Yaml& yaml, WebConfig& config) {
  for (const auto& [name, hash] : yaml.entries()) {
    // Such a name is a hash or a password, so the error does not show it.
    if (name.find(':') != std::string::npos) yaml.fail("a user name cannot contain a colon");
    if (is_bcrypt(name)) yaml.fail("a hash instead of a user name");
    const auto text = hash.string();
    if (!is_bcrypt(text)) hash.fail("not a bcrypt hash as made by `htpasswd -nBC 10 \"\"`");
    config.users.emplace(name, text);
  }
}

std::optional<WebConfig::RateLimit> read_rate_limit(const Yaml& yaml) {
  WebConfig::RateLimit limit;
  const auto burst = yaml.optional("burst");
  if (const auto interval = yaml.optional("interval")) limit.interval = interval->duration();
  const auto count = burst ? burst->integer() : 0;
  if (limit.interval.count() == 0) return std::nullopt;
  if (count < 1) (burst ? *burst : yaml).fail("burst must be at least 1");
  limit.burst = static_cast<std::size_t>(count);
  return limit;
}

}  // namespace

WebConfig WebConfig::load(const std::string& path) {
  WebConfig config;
  config.files.push_back(path);
  const auto yaml = Yaml::load_file(path);
  const auto tls = yaml.optional("tls_server_config");
  if (tls && !tls->is_empty()) config.tls = read_tls(*tls, config.files);
  if (const auto http = yaml.optional("http_server_config")) read_http(*http, config);
  if (const auto users = yaml.optional("basic_auth_users")) read_users(*users, config);
  if (const auto limit = yaml.optional("rate_limit")) config.rate_limit = read_rate_limit(*limit);
  yaml.finish();
  return config;
}

}  // namespace exporter::http
