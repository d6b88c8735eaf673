#pragma once

#include <string>
#include <string_view>

#include "common/config/yaml.h"
#include "common/http/client.h"

/// The keys of a client in an entry of a configuration file; docs/sources.md lists them. Every
/// mistake is an Error{config} with its position. An exporter reads its own keys beside these;
/// Yaml::finish() reports the unknown ones.
namespace exporter::http {

struct ClientConfig {
  ClientOptions options;
  Authorize authorize;  ///< from bearer_token, or username and password; else empty
};

/// Reads all keys. `defaults` has the name and the default values; without a base_url there, the
/// entry must have a `url`.
ClientConfig read_client_config(const Yaml& entry, ClientOptions defaults);

/// All but `url` and the credentials, for an exporter with its own keys for these.
ClientOptions read_client_options(const Yaml& entry, ClientOptions defaults);

/// The http or https address at `key`, which is required.
std::string read_url(const Yaml& entry, std::string_view key);

}  // namespace exporter::http
