#pragma once

#include <memory>
#include <mutex>

namespace exporter::sql {

/// The socket by which a driver talks to its server. Drivers do not say which it is, and nothing
/// else ends a call into one that waits for a server which has stopped: this one's number is noted
/// when the driver connects it, by a connect() of the executable's own, which comes before the C
/// library's. It is a duplicate, so that its number cannot become another file's meanwhile. Safe to
/// use from several threads.
class Socket {
 public:
  Socket() = default;
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Whether a driver has connected one.
  bool is_known() const;
  /// Ends what waits for it: reads and writes of it fail from now on.
  void shut_down();

  /// What connect() calls: keeps a duplicate of the last one, and has the kernel notice within a
  /// minute when its peer does not answer any more.
  void note(int number) noexcept;

 private:
  mutable std::mutex mutex_;
  int number_ = -1;
  bool is_shut_down_ = false;
};

/// Notes in `socket` what this thread connects while it lives.
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
