#pragma once

#include <memory>
#include <string_view>

namespace exporter::http {

/// Decodes a body of gzip as its pieces come: members one after the other, of each of which CRC and
/// length are checked (RFC 1952, 2.2 and 2.3.1). What follows a member and is none is refused, as
/// the RFC, Go and Python do, zeros too; gzip(1) and browsers would pass over it.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();

  /// Takes bytes off the front of `encoded` and returns what they decode to, valid until the next
  /// call: 32 KiB at most, and nothing when all of `encoded` is decoded. Throws Error{decode}.
  std::string_view next(std::string_view& encoded);

  /// Whether the bytes so far are whole members; no bytes are.
  bool is_whole() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace exporter::http
