#include "tests/support/certificates.h"

#include <cstdlib>
#include <stdexcept>

namespace {

void request(const std::filesystem::path& folder, const std::string& name,
             const std::string& more) {
  const std::string command = "cd '" + folder.string() +
                              "' && openssl req -x509 -newkey ec -pkeyopt "
                              "ec_paramgen_curve:P-256 -nodes -days 1 -subj '/CN=" +
                              name + "' -out " + name + ".pem -keyout " + name + ".key " + more +
                              " > openssl.log 2>&1";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace

void make_authority(const std::filesystem::path& folder, const std::string& name) {
  request(folder, name, "");
}

void make_certificate(const std::filesystem::path& folder, const std::string& name,
                      const std::string& names, const std::string& authority) {
  request(folder, name,
          "-CA " + authority + ".pem -CAkey " + authority +
              ".key -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=" + names);
}
