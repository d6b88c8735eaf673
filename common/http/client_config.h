#pragma once

#include <string>
#include <string_view>

#include "common/config/yaml.h"
#include "common/http/client.h"

/// What concerns a client in an entry of a configuration file. docs/sources.md has the keys. Every
/// mistake is an Error{config} with its place; an exporter asks for its own keys beside these, and
/// Yaml::finish() finds what nobody asked for.
namespace exporter::http {

struct ClientConfig {
  ClientOptions options;
  Authorize authorize;  ///< by bearer_token, or by username and password; else empty
};

/// All of it. `defaults` has the name, and what holds where the entry says nothing: without a
/// base_url there, the entry must have a `url`.
ClientConfig read_client_config(const Yaml& entry, ClientOptions defaults);

/// All but `url` and the credentials, for an exporter with keys of its own for these.
ClientOptions read_client_options(const Yaml& entry, ClientOptions defaults);

/// The http or https address at `key`, which must be there.
std::string read_url(const Yaml& entry, std::string_view key);

}  // namespace exporter::http
