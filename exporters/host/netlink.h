#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace exporter::host {

/// Requests lists from the kernel over netlink (RFC 3549). The socket belongs to the network
/// namespace of the thread that opens it, and stays open. Not thread-safe.
class Netlink {
 public:
  /// Receives the type of a reply or an attribute, and what follows its header.
  using Use = std::function<void(std::uint16_t type, std::span<const std::byte> body)>;

  /// `protocol` is e.g. NETLINK_ROUTE.
  explicit Netlink(int protocol) : protocol_(protocol) {}
  ~Netlink() { close(); }
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;

  /// Opens the socket, unless it is open; false, with errno set, if a sandbox forbids it.
  bool open();

  /// Requests everything of that type and calls `use` for each reply. Throws Error{io}, and
  /// Error{timeout} if the kernel does not respond for two seconds.
  template <class Body>
  void dump(std::uint16_t type, const Body& body, const Use& use) {
    dump(type, std::as_bytes(std::span(&body, 1)), use);
  }
  void dump(std::uint16_t type, std::span<const std::byte> body, const Use& use);

 private:
  void close();
  void send(std::uint16_t type, std::span<const std::byte> body);
  std::span<const std::byte> receive();
  bool take(std::span<const std::byte> answers, const Use& use) const;

  int protocol_;
  int socket_ = -1;
  std::uint32_t sequence_ = 0;
  std::vector<std::byte> buffer_;
};

/// The struct at the front of `bytes`; missing bytes are zero.
template <class Struct>
Struct struct_at(std::span<const std::byte> bytes) {
  Struct value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

/// The text of an attribute, up to its zero byte.
inline std::string_view text_at(std::span<const std::byte> content) {
  const std::string_view text(reinterpret_cast<const char*>(content.data()), content.size());
  return text.substr(0, text.find('\0'));
}

/// Calls `use` for each attribute; stops at a truncated one.
void for_each_attribute(std::span<const std::byte> attributes, const Netlink::Use& use);

}  // namespace exporter::host
