#include "common/http/server.h"

#include <microhttpd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <future>
#include <mutex>
#include <system_error>
#include <thread>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/http/connections.h"
#include "common/http/gate.h"
#include "common/http/listen.h"
#include "common/http/request_head.h"
#include "common/http/response_body.h"
#include "common/http/target.h"

namespace exporter::http {

namespace {

using Phase = Connections::Phase;

constexpr std::size_t kMaxRequestBody = 64 << 10;
constexpr std::size_t kMaxDiscardedBody = 1 << 20;
constexpr std::size_t kThreadStack = 256 << 10;
constexpr std::chrono::milliseconds kCutting{200};

/// What is known of an open connection.
struct Peer {
  int fd;
  std::string address;
  std::shared_ptr<const TlsContext> tls;
};

/// A request, from its first line to the end of its response.
struct ActiveRequest {
  std::string target;                  ///< as it was sent
  const char* target_place = nullptr;  ///< in the library's buffer
  std::string method, path;            ///< no method until its headers have arrived
  Gate::Verdict verdict;
  Clock::time_point started;
  std::size_t body_received = 0;
  int status = 0;  ///< 0 until a response was queued
  std::size_t bytes = 0;
};

Response body_too_large() { return plain_response(413, "request body too large\n"); }

/// Null if on_connection() failed.
const Peer* peer_of(MHD_Connection* connection) {
  const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return static_cast<const Peer*>(info->socket_context);
}

/// The placeholder until a connection has its TlsContext; a handshake without one fails.
int no_certificate(gnutls_session_int*, const void*, void*, void*, unsigned*, void*, unsigned*) {
  return -1;
}

void log_library_message(void*, const char* format, std::va_list arguments) {
  std::array<char, 512> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  log::debug("http server", {{"detail", trim(text.data())}});
}

}  // namespace

class Server::Impl : public std::enable_shared_from_this<Server::Impl> {
 public:
  Impl(ServerOptions options, Handler handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        gate_(options_.web_config_file, options_.open_paths, options_.web_config_reloaded),
        max_connections_(room_for_connections(options_.max_connections)),
        connections_(max_connections_, options_.idle_timeout) {}

  void start();
  bool stop(std::chrono::milliseconds grace);
  const std::vector<Listener>& listeners() const { return listeners_; }
  bool tls() const { return gate_.tls(); }

 private:
  void start_on(Listener& listener);
  bool cut();
  void stop_daemons();

  static void on_connection(void* self, MHD_Connection* connection, void** peer,
                            MHD_ConnectionNotificationCode code);
  static void* on_target(void* self, const char* target, MHD_Connection* connection);
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url,
                               const char* method, const char* version, const char* upload,
                               std::size_t* upload_size, void** active);
  static void on_completed(void* self, MHD_Connection* connection, void** active,
                           MHD_RequestTerminationCode code);

  MHD_Result begin(MHD_Connection* connection, const Peer& peer, ActiveRequest& active,
                   const char* method, const char* version);
  MHD_Result finish(MHD_Connection* connection, const Peer& peer, ActiveRequest& active);
  void judge(MHD_Connection* connection, ActiveRequest& active);
  Response respond(MHD_Connection* connection, const Peer& peer, ActiveRequest& active);
  MHD_Result send(MHD_Connection* connection, const Peer& peer, ActiveRequest& active,
                  Response response);

  const ServerOptions options_;
  const Handler handler_;
  Gate gate_;
  const std::size_t max_connections_;
  std::vector<Listener> listeners_;
  std::vector<MHD_Daemon*> daemons_;
  Connections connections_;
  std::once_flag stopped_;
  bool all_ended_ = false;
};

void Server::Impl::start() {
  if (options_.systemd_socket) {
    listeners_ = listeners_of_systemd();
  } else {
    for (const auto& address : options_.listen) listeners_.push_back(listen_on(address));
  }
  if (listeners_.empty()) throw Error(Reason::config, "no --web.listen-address was given");
  for (auto& listener : listeners_) start_on(listener);
}

void Server::Impl::start_on(Listener& listener) {
  const auto pointer = [](auto* function) { return reinterpret_cast<std::intptr_t>(function); };
  const auto number = [](auto value) { return static_cast<std::intptr_t>(value); };
  std::vector<MHD_OptionItem> items{
      {MHD_OPTION_LISTEN_SOCKET, listener.fd(), nullptr},
      {MHD_OPTION_CONNECTION_LIMIT, number(max_connections_ + Connections::kMaxEnding), nullptr},
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, number(2 * options_.max_header_bytes), nullptr},
      {MHD_OPTION_THREAD_STACK_SIZE, number(kThreadStack), nullptr},
      {MHD_OPTION_URI_LOG_CALLBACK, pointer(&on_target), this},
      {MHD_OPTION_NOTIFY_CONNECTION, pointer(&on_connection), this},
      {MHD_OPTION_NOTIFY_COMPLETED, pointer(&on_completed), this},
      {MHD_OPTION_END, 0, nullptr},
  };
  if (gate_.tls()) {
    items.insert(items.begin(),
                 {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, reinterpret_cast<void*>(&no_certificate)});
  }
  // The library's own timeouts busy-wait during their last second (0.9.75); `connections_` closes
  // late connections instead.
  const unsigned flags = MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION |
                         MHD_USE_ITC | MHD_USE_ERROR_LOG | (gate_.tls() ? MHD_USE_TLS : 0);
  const auto admit = [](void* self, const sockaddr*, socklen_t) {
    return static_cast<Impl*>(self)->connections_.admit() ? MHD_YES : MHD_NO;
  };
  auto* daemon = MHD_start_daemon(flags, 0, admit, this, &on_request, this,
                                  MHD_OPTION_EXTERNAL_LOGGER, &log_library_message, nullptr,
                                  MHD_OPTION_ARRAY, items.data(), MHD_OPTION_END);
  if (daemon == nullptr) {
    listener.release();  // the library closes it when it cannot start
    throw Error(Reason::internal, "cannot start the HTTP server");
  }
  daemons_.push_back(daemon);
}

bool Server::Impl::stop(std::chrono::milliseconds grace) {
  std::call_once(stopped_, [&] {
    for (auto* daemon : daemons_) MHD_quiesce_daemon(daemon);
    for (const auto& listener : listeners_) listener.refuse();
    connections_.drain();
    connections_.wait_until_none(Clock::now() + grace);
    all_ended_ = cut();
  });
  return all_ended_;
}

/// Ends the library's threads; returns whether they have ended in time.
bool Server::Impl::cut() {
  std::promise<void> promise;
  const auto done = promise.get_future();
  std::thread cutter;
  try {
    cutter = std::thread([self = shared_from_this(), promise = std::move(promise)]() mutable {
      self->stop_daemons();
      promise.set_value();
    });
  } catch (const std::system_error&) {
    stop_daemons();  // no thread could be started: wait without a timeout
    return true;
  }
  if (done.wait_for(kCutting) == std::future_status::ready) {
    cutter.join();
    return true;
  }
  cutter.detach();
  log::warn("a running request is abandoned");
  return false;
}

void Server::Impl::stop_daemons() {
  for (auto* daemon : daemons_) MHD_stop_daemon(daemon);
}

void Server::Impl::on_connection(void* self, MHD_Connection* connection, void** peer,
                                 MHD_ConnectionNotificationCode code) try {
  auto& server = *static_cast<Impl*>(self);
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    const std::unique_ptr<Peer> closed(static_cast<Peer*>(*peer));
    if (closed) server.connections_.close(closed->fd);
    return;
  }
  const auto info = [&](MHD_ConnectionInfoType type) {
    return MHD_get_connection_info(connection, type);
  };
  const int fd = info(MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  auto opened = std::make_unique<Peer>(
      Peer{fd, host_of(info(MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr),
           server.gate_.tls_context()});
  if (opened->tls) {
    auto* session = info(MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    opened->tls->apply_to(static_cast<gnutls_session_int*>(session));
  }
  server.connections_.open(fd);
  *peer = opened.release();
} catch (...) {
  log::error("connection cannot be served", {{"error", current_error()}});
}

/// Reads the target of a request before its headers arrive, and hides the query from the library:
/// its parameters could take more memory than a connection has, which would end it without an
/// answer (0.9.75).
void* Server::Impl::on_target(void*, const char* target, MHD_Connection*) try {
  auto active = std::make_unique<ActiveRequest>();
  active->target = target;
  active->target_place = target;
  const auto query = active->target.find('?');
  if (query != std::string::npos) const_cast<char*>(target)[query + 1] = '\0';
  return active.release();
} catch (...) {
  log::error("request cannot be served", {{"error", current_error()}});
  return nullptr;
}

MHD_Result Server::Impl::on_request(void* self, MHD_Connection* connection, const char*,
                                    const char* method, const char* version, const char*,
                                    std::size_t* upload_size, void** state) try {
  auto& server = *static_cast<Impl*>(self);
  const auto* peer = peer_of(connection);
  if (peer == nullptr || *state == nullptr) return MHD_NO;
  auto& active = *static_cast<ActiveRequest*>(*state);
  if (active.method.empty()) return server.begin(connection, *peer, active, method, version);
  if (*upload_size == 0) return server.finish(connection, *peer, active);
  active.body_received += std::exchange(*upload_size, 0);
  return active.body_received <= kMaxDiscardedBody ? MHD_YES : MHD_NO;
} catch (...) {
  const auto* active = static_cast<const ActiveRequest*>(*state);
  log::error("request failed",
             {{"path", active == nullptr ? "" : active->path}, {"error", current_error()}});
  return MHD_NO;
}

MHD_Result Server::Impl::begin(MHD_Connection* connection, const Peer& peer, ActiveRequest& active,
                               const char* method, const char* version) {
  active.method = method;
  active.path = unescaped(Target(active.target).path);
  active.started = Clock::now();
  if (const auto fault =
          fault_of_head(connection, method, active.target, active.target_place, version)) {
    Response refusal;
    refusal.status = fault->status;
    refusal.body = Body(std::string(fault->text) + "\n");
    refusal.headers.emplace_back("Connection", "close");
    return send(connection, peer, active, std::move(refusal));
  }
  connections_.enter(peer.fd, Phase::working);
  judge(connection, active);
  connections_.enter(peer.fd, Phase::receiving);
  const auto length = parse_number<std::uint64_t>(header_of(connection, "Content-Length"));
  return length > kMaxDiscardedBody ? send(connection, peer, active, body_too_large()) : MHD_YES;
}

MHD_Result Server::Impl::finish(MHD_Connection* connection, const Peer& peer,
                                ActiveRequest& active) {
  connections_.enter(peer.fd, Phase::working);
  return send(connection, peer, active, respond(connection, peer, active));
}

void Server::Impl::judge(MHD_Connection* connection, ActiveRequest& active) {
  active.verdict = gate_.judge(active.path, header_of(connection, "Authorization"));
  auto& refusal = active.verdict.refusal;
  const auto* size = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  if (refusal) return;
  if (size->header_size > options_.max_header_bytes) {
    refusal = plain_response(431, "request headers too large\n");
  } else if (active.method != "GET" && active.method != "HEAD" && active.method != "POST") {
    refusal = plain_response(405, "method not allowed\n");
    refusal->headers.emplace_back("Allow", "GET, HEAD, POST");
  }
}

Response Server::Impl::respond(MHD_Connection* connection, const Peer& peer,
                               ActiveRequest& active) {
  if (auto& refusal = active.verdict.refusal) return std::move(*refusal);
  if (active.body_received > kMaxRequestBody) return body_too_large();
  Request request{
      .method = active.method,
      .path = active.path,
      .client = peer.address,
      .user = active.verdict.user,
      .header = [=](std::string_view name) { return header_of(connection, name); },
      .query = [&](std::string_view name) { return values_of(Target(active.target).query, name); },
  };
  try {
    return handler_(request);
  } catch (...) {
    log::error("request failed", {{"path", active.path}, {"error", current_error()}});
    return plain_response(500, "internal server error\n");
  }
}

MHD_Result Server::Impl::send(MHD_Connection* connection, const Peer& peer, ActiveRequest& active,
                              Response response) {
  const std::unique_ptr<MHD_Response, decltype(&MHD_destroy_response)> made(
      response_with(response.body), &MHD_destroy_response);
  if (connections_.draining()) response.headers.emplace_back("Connection", "close");
  response.headers.emplace_back("Content-Type", response.content_type);
  if (const auto& config = active.verdict.config) {
    response.headers.insert(response.headers.end(), config->headers.begin(), config->headers.end());
  }
  for (const auto& [name, value] : response.headers) {
    if (MHD_add_response_header(made.get(), name.c_str(), value.c_str()) != MHD_YES) {
      throw Error(Reason::internal, "response header " + name + " cannot be sent");
    }
  }
  active.status = response.status;
  active.bytes = active.method == "HEAD" ? 0 : response.body.size();
  connections_.enter(peer.fd, Phase::sending);
  return MHD_queue_response(connection, static_cast<unsigned>(response.status), made.get());
}

void Server::Impl::on_completed(void* self, MHD_Connection* connection, void** state,
                                MHD_RequestTerminationCode) try {
  const std::unique_ptr<ActiveRequest> active(
      static_cast<ActiveRequest*>(std::exchange(*state, nullptr)));
  if (!active || active->method.empty()) return;
  auto& server = *static_cast<Impl*>(self);
  const auto& peer = *peer_of(connection);
  server.connections_.enter(peer.fd, Phase::idle);
  const auto& quiet = server.options_.open_paths;
  const bool is_good_health =
      active->status == 200 && std::ranges::find(quiet, active->path) != quiet.end();
  if (!server.options_.access_log || is_good_health) return;
  const std::chrono::duration<double> duration = Clock::now() - active->started;
  log::info("request", {{"client", peer.address},
                        {"user", active->verdict.user},
                        {"method", active->method},
                        {"path", active->path},
                        {"status", static_cast<std::int64_t>(active->status)},
                        {"bytes", static_cast<std::int64_t>(active->bytes)},
                        {"duration", duration.count()}});
} catch (...) {
  log::error("request not completed", {{"error", current_error()}});
}

Server::Server(ServerOptions options, Handler handler)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(handler))) {
  try {
    impl_->start();
  } catch (...) {
    impl_->stop({});
    throw;
  }
}

Server::~Server() { impl_->stop({}); }

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : impl_->listeners()) addresses.push_back(listener.address());
  return addresses;
}

std::uint16_t Server::port() const { return impl_->listeners().front().port(); }

bool Server::tls() const { return impl_->tls(); }

bool Server::stop(std::chrono::milliseconds grace) { return impl_->stop(grace); }

}  // namespace exporter::http
