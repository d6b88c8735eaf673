#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

namespace {

/// Turns -1 into an exception.
int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() { ::close(value_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int bind_loopback() {
  const int descriptor = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const sockaddr_in address = loopback(0);
  checked(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  return descriptor;
}

int bind_unix(const std::string& path) {
  const int descriptor = checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  checked(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
  return descriptor;
}

std::uint16_t port_of(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  checked(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

/// The keys and certificates of a server, shared by its connections.
class Credentials {
 public:
  explicit Credentials(const ScriptedServer::Tls& tls) : priorities_(tls.priorities) {
    gnutls_certificate_allocate_credentials(&credentials_);
    if (gnutls_certificate_set_x509_key_file(credentials_, tls.certificate.c_str(), tls.key.c_str(),
                                             GNUTLS_X509_FMT_PEM) < 0) {
      throw std::runtime_error("the server's certificate cannot be used");
    }
    if (tls.client_ca.empty()) return;
    asks_client_ = true;
    gnutls_certificate_set_x509_trust_file(credentials_, tls.client_ca.c_str(),
                                           GNUTLS_X509_FMT_PEM);
  }
  ~Credentials() { gnutls_certificate_free_credentials(credentials_); }
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;

  void apply(gnutls_session_t session) const {
    gnutls_priority_set_direct(session, priorities_.c_str(), nullptr);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_);
    if (!asks_client_) return;
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_cert(session, nullptr, 0);
  }

 private:
  gnutls_certificate_credentials_t credentials_ = nullptr;
  std::string priorities_;
  bool asks_client_ = false;
};

std::size_t content_length(const std::string& headers) {
  constexpr std::string_view kName = "Content-Length: ";
  const auto at = headers.find(kName);
  std::size_t length = 0;
  if (at != headers.npos) {
    std::from_chars(headers.data() + at + kName.size(), headers.data() + headers.size(), length);
  }
  return length;
}

}  // namespace

class ScriptedServer::Impl {
 public:
  Impl(int descriptor, Script script, std::optional<Tls> tls)
      : listener_(descriptor), script_(std::move(script)) {
    if (tls) credentials_.emplace(*tls);
    checked(::listen(listener_.get(), SOMAXCONN), "listen");
    accepting_ = std::thread([this] { accept_all(); });
  }

  ~Impl() {
    {
      const std::scoped_lock lock(mutex_);
      stopping_ = true;
      for (const auto& connection : connections_) ::shutdown(connection.socket, SHUT_RDWR);
    }
    ::shutdown(listener_.get(), SHUT_RDWR);
    accepting_.join();
    for (auto& connection : connections_) connection.thread.join();
    for (const auto& connection : connections_) ::close(connection.socket);
  }

  int listener() const { return listener_.get(); }
  bool tls() const { return credentials_.has_value(); }
  std::size_t connections() const {
    const std::scoped_lock lock(mutex_);
    return connections_.size();
  }
  std::vector<std::string> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }

 private:
  class Connection;
  struct Accepted {
    int socket;
    std::thread thread;
  };

  void accept_all();
  void serve(int socket, std::size_t number);

  const Descriptor listener_;
  const Script script_;
  std::optional<Credentials> credentials_;
  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::list<Accepted> connections_;  // sockets stay open, shut down, until the server is destroyed
  std::vector<std::string> requests_;
  std::thread accepting_;
};

class ScriptedServer::Impl::Connection : public Peer {
 public:
  Connection(Impl& server, int socket, std::size_t number)
      : server_(server), socket_(socket), number_(number) {
    if (!server.credentials_) return;
    gnutls_init(&session_, GNUTLS_SERVER | GNUTLS_NO_SIGNAL);
    server.credentials_->apply(session_);
    gnutls_transport_set_int(session_, socket);
    gnutls_handshake_set_timeout(session_, GNUTLS_INDEFINITE_TIMEOUT);
    int result = 0;
    do result = gnutls_handshake(session_);
    while (result < 0 && gnutls_error_is_fatal(result) == 0);
    if (result < 0) gnutls_alert_send_appropriate(session_, result);
    usable_ = result == 0;
  }
  ~Connection() override {
    if (session_ == nullptr) return;
    if (usable_) gnutls_bye(session_, GNUTLS_SHUT_WR);
    gnutls_deinit(session_);
  }

  bool usable() const { return usable_; }

  std::string read_request() override {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == buffer_.npos) {
      if (!read_more()) return {};
    }
    const std::size_t whole = end + 4 + content_length(buffer_.substr(0, end));
    while (buffer_.size() < whole) {
      if (!read_more()) return {};
    }
    std::string request = buffer_.substr(0, whole);
    buffer_.erase(0, whole);
    const std::scoped_lock lock(server_.mutex_);
    server_.requests_.push_back(request);
    return request;
  }

  bool write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto written = session_ != nullptr
                               ? gnutls_record_send(session_, bytes.data(), bytes.size())
                               : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (written <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
  }

  void wait_closed() override {
    while (read_more()) buffer_.clear();
  }

  void reset() override {
    // close() alone sends a reset; the number of the socket stays in use until the server is
    // destroyed.
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    const int other = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::dup3(other, socket_, O_CLOEXEC);
    ::close(other);
  }

  std::size_t number() const override { return number_; }

 private:
  bool read_more() {
    char bytes[4096];
    const auto count = session_ != nullptr ? gnutls_record_recv(session_, bytes, sizeof bytes)
                                           : ::recv(socket_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  Impl& server_;
  const int socket_;
  const std::size_t number_;
  gnutls_session_t session_ = nullptr;
  bool usable_ = true;
  std::string buffer_;
};

void ScriptedServer::Impl::accept_all() {
  while (true) {
    const int socket = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    const std::scoped_lock lock(mutex_);
    if (socket < 0 || stopping_) {
      if (socket >= 0) ::close(socket);
      return;
    }
    const std::size_t number = connections_.size() + 1;
    connections_.push_back({socket, {}});
    connections_.back().thread = std::thread([this, socket, number] { serve(socket, number); });
  }
}

void ScriptedServer::Impl::serve(int socket, std::size_t number) {
  {
    Connection connection(*this, socket, number);
    if (connection.usable()) script_(connection);
  }
  ::shutdown(socket, SHUT_RDWR);
}

ScriptedServer::ScriptedServer(Script script, std::optional<Tls> tls)
    : impl_(std::make_unique<Impl>(bind_loopback(), std::move(script), std::move(tls))) {}
ScriptedServer::ScriptedServer(const std::filesystem::path& socket, Script script)
    : impl_(std::make_unique<Impl>(bind_unix(socket), std::move(script), std::nullopt)) {}
ScriptedServer::~ScriptedServer() = default;

std::uint16_t ScriptedServer::port() const { return port_of(impl_->listener()); }
std::string ScriptedServer::url() const {
  return (impl_->tls() ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port());
}
std::size_t ScriptedServer::connections() const { return impl_->connections(); }
std::vector<std::string> ScriptedServer::requests() const { return impl_->requests(); }

std::string reply(int status, std::string_view body, std::string_view more_headers) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(more_headers) + "\r\n" + std::string(body);
}

Script answer(std::function<std::string(const std::string&)> function) {
  return [function = std::move(function)](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      if (!peer.write(function(request))) return;
    }
  };
}

std::uint16_t closed_port() {
  static const Descriptor kept(bind_loopback());
  return port_of(kept.get());
}
