#pragma once

#include <filesystem>
#include <string>

/// Writes <name>.pem and <name>.key (PEM, P-256, valid for a day) to `directory` with the openssl
/// command: a self-signed certificate authority.
void make_authority(const std::filesystem::path& directory, const std::string& name);

/// The same for a server or a client, signed by an authority in the same directory. `names` is the
/// subjectAltName, e.g. "DNS:localhost,IP:127.0.0.1".
void make_certificate(const std::filesystem::path& directory, const std::string& name,
                      const std::string& names, const std::string& authority);

/// The same, but it expired a day ago.
void make_expired_certificate(const std::filesystem::path& directory, const std::string& name,
                              const std::string& names, const std::string& authority);
