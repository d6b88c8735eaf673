#pragma once

#include <memory>
#include <string_view>

namespace exporter::http {

/// Decodes a gzip body as its pieces arrive: a sequence of members, whose CRC and length are
/// checked (RFC 1952, 2.2 and 2.3.1). Data after a member that is not a member is an error, zeros
/// too, as in the RFC, Go and Python; gzip(1) and browsers ignore it.
class Gunzip {
 public:
  Gunzip();
  ~Gunzip();

  /// Removes bytes from the front of `encoded` and returns their decoded form, valid until the next
  /// call: at most 32 KiB, and empty once all of `encoded` is decoded. Throws Error{decode}.
  std::string_view next(std::string_view& encoded);

  /// Whether the input so far consists of complete members; true for no input.
  bool is_whole() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace exporter::http
