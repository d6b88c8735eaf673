#pragma once

#include <memory>
#include <mutex>

namespace exporter::sql {

/// The socket that a driver uses to talk to its server. Drivers do not tell which it is, and only
/// this ends a call that waits for a server that has stopped responding. The executable defines its
/// own connect(), which takes precedence over the C library's and notes the socket when the driver
/// connects it. The descriptor is a duplicate, so that its number cannot become another file's.
/// Thread-safe.
class Socket {
 public:
  Socket() = default;
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Whether a driver has connected a socket.
  bool is_known() const;
  /// Makes all pending and later reads and writes of it fail.
  void shut_down();

  /// Called by connect(): keeps a duplicate of the last socket, and has the kernel detect within a
  /// minute that its peer no longer responds.
  void note(int number) noexcept;

 private:
  mutable std::mutex mutex_;
  int number_ = -1;
  bool is_shut_down_ = false;
};

/// Notes in `socket` what this thread connects during its lifetime.
class NoteSocket {
 public:
  explicit NoteSocket(Socket& socket);
  ~NoteSocket();
  NoteSocket(const NoteSocket&) = delete;
  NoteSocket& operator=(const NoteSocket&) = delete;

 private:
  Socket* outer_;
};

}  // namespace exporter::sql
