#include "tests/support/certificates.h"

#include <cstdlib>
#include <stdexcept>

namespace {

void run(const std::filesystem::path& directory, const std::string& commands) {
  const std::string command =
      "cd '" + directory.string() + "' && { " + commands + "; } > openssl.log 2>&1";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

/// `openssl req` with a new key in <name>.key.
std::string request(const std::string& name, const std::string& more) {
  return "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj '/CN=" + name +
         "' -keyout " + name + ".key " + more;
}

std::string of_server(const std::string& names) {
  return " -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=" + names;
}

std::string signed_by(const std::string& authority) {
  return " -CA " + authority + ".pem -CAkey " + authority + ".key";
}

}  // namespace

void make_authority(const std::filesystem::path& directory, const std::string& name) {
  run(directory, request(name, "-x509 -days 1 -out " + name + ".pem"));
}

void make_certificate(const std::filesystem::path& directory, const std::string& name,
                      const std::string& names, const std::string& authority) {
  run(directory, request(name, "-x509 -days 1 -out " + name + ".pem" + signed_by(authority) +
                                   of_server(names)));
}

void make_expired_certificate(const std::filesystem::path& directory, const std::string& name,
                              const std::string& names, const std::string& authority) {
  run(directory, request(name, "-out " + name + ".csr" + of_server(names)) +
                     " && openssl x509 -req -days -1 -copy_extensions copy -in " + name +
                     ".csr -out " + name + ".pem" + signed_by(authority));
}
