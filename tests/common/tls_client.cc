#include "tests/common/tls_client.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "tests/common/raw_client.h"

namespace exporter::testing {

namespace {

void must(int result) {
  if (result < 0) throw std::runtime_error(::gnutls_strerror(result));
}

using Credentials = std::unique_ptr<gnutls_certificate_credentials_st,
                                    decltype(&::gnutls_certificate_free_credentials)>;
using Session = std::unique_ptr<gnutls_session_int, decltype(&::gnutls_deinit)>;
using Certificate = std::unique_ptr<gnutls_x509_crt_int, decltype(&::gnutls_x509_crt_deinit)>;

/// Sends the client's certificate whatever authorities the server asks for.
int show_certificate(gnutls_session_t session, const gnutls_datum_t*, int,
                     const gnutls_pk_algorithm_t*, int, gnutls_pcert_st** chain, unsigned* count,
                     gnutls_privkey_t* key) {
  const auto& held = *static_cast<std::pair<gnutls_pcert_st, gnutls_privkey_t>*>(
      ::gnutls_session_get_ptr(session));
  *chain = const_cast<gnutls_pcert_st*>(&held.first);
  *count = 1;
  *key = held.second;
  return 0;
}

std::string common_name(gnutls_session_t session) {
  unsigned count = 0;
  const auto* chain = ::gnutls_certificate_get_peers(session, &count);
  gnutls_x509_crt_t made = nullptr;
  must(::gnutls_x509_crt_init(&made));
  const Certificate certificate(made, &::gnutls_x509_crt_deinit);
  must(::gnutls_x509_crt_import(made, chain, GNUTLS_X509_FMT_DER));
  std::string name(256, '\0');
  std::size_t size = name.size();
  must(
      ::gnutls_x509_crt_get_dn_by_oid(made, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name.data(), &size));
  name.resize(size);
  return name;
}

class Identity {
 public:
  explicit Identity(const TlsOptions& options) {
    gnutls_datum_t certificate{}, key{};
    must(::gnutls_load_file(options.certificate_file.c_str(), &certificate));
    must(::gnutls_load_file(options.key_file.c_str(), &key));
    must(::gnutls_pcert_import_x509_raw(&held_.first, &certificate, GNUTLS_X509_FMT_PEM, 0));
    must(::gnutls_privkey_init(&held_.second));
    must(::gnutls_privkey_import_x509_raw(held_.second, &key, GNUTLS_X509_FMT_PEM, nullptr, 0));
    ::gnutls_free(certificate.data);
    ::gnutls_free(key.data);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;
  ~Identity() {
    ::gnutls_pcert_deinit(&held_.first);
    ::gnutls_privkey_deinit(held_.second);
  }
  void* held() { return &held_; }

 private:
  std::pair<gnutls_pcert_st, gnutls_privkey_t> held_{};
};

void converse(gnutls_session_t session, const std::string& request, TlsReply& reply) {
  int result = 0;
  do {
    result = ::gnutls_handshake(session);
  } while (result < 0 && ::gnutls_error_is_fatal(result) == 0);
  must(result);
  reply.server_name = common_name(session);
  reply.version = ::gnutls_protocol_get_name(::gnutls_protocol_get_version(session));
  reply.cipher = ::gnutls_cipher_get_name(::gnutls_cipher_get(session));
  const char* group = ::gnutls_group_get_name(::gnutls_group_get(session));
  reply.group = group == nullptr ? "" : group;
  must(static_cast<int>(::gnutls_record_send(session, request.data(), request.size())));
  std::array<char, 16384> bytes{};
  while (true) {
    const auto got = ::gnutls_record_recv(session, bytes.data(), bytes.size());
    if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED) continue;
    if (got <= 0) return;
    reply.response.append(bytes.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

TlsReply say_over_tls(std::uint16_t port, const std::string& request, const TlsOptions& options) {
  const RawClient socket(port);
  gnutls_certificate_credentials_t allocated = nullptr;
  must(::gnutls_certificate_allocate_credentials(&allocated));
  const Credentials credentials(allocated, &::gnutls_certificate_free_credentials);
  gnutls_session_t initialised = nullptr;
  must(::gnutls_init(&initialised, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL));
  const Session session(initialised, &::gnutls_deinit);
  must(::gnutls_priority_set_direct(initialised, options.priorities.c_str(), nullptr));
  must(::gnutls_credentials_set(initialised, GNUTLS_CRD_CERTIFICATE, allocated));
  std::unique_ptr<Identity> identity;
  if (!options.certificate_file.empty()) {
    identity = std::make_unique<Identity>(options);
    ::gnutls_session_set_ptr(initialised, identity->held());
    ::gnutls_certificate_set_retrieve_function2(allocated, &show_certificate);
  }
  ::gnutls_transport_set_int(initialised, socket.fd());
  TlsReply reply;
  try {
    converse(initialised, request, reply);
  } catch (const std::runtime_error&) {
    reply.response.clear();
  }
  return reply;
}

}  // namespace exporter::testing
