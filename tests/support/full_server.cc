#include "tests/support/full_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace {

constexpr int kMostWaiting = 16;
constexpr int kAnsweredWithinMs = 100;

sockaddr_in address_of(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

}  // namespace

FullServer::FullServer() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockets_.push_back(listener);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (::listen(listener, 0) != 0) throw std::runtime_error("cannot listen");
  address = address_of(listener);
  for (int waiting = 0; waiting < kMostWaiting; ++waiting) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockets_.push_back(socket);
    ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    pollfd connected{.fd = socket, .events = POLLOUT, .revents = 0};
    if (::poll(&connected, 1, kAnsweredWithinMs) == 0) return;
  }
  throw std::runtime_error("the queue does not fill");
}

FullServer::~FullServer() {
  for (const int socket : sockets_) ::close(socket);
}

std::string FullServer::url() const {
  return "http://127.0.0.1:" + std::to_string(ntohs(address_of(sockets_.front()).sin_port));
}
