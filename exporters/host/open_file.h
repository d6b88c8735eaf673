#pragma once

#include <cstddef>
#include <utility>

namespace exporter::host {

/// The minimum limit on descriptors: what the server, netlink, engines and reading files need on a
/// small host, besides the quarter that may stay open.
inline constexpr std::size_t kFewestDescriptors = 64;
/// What the probe of one target needs in addition: a connection, and a pair during a name lookup.
inline constexpr std::size_t kDescriptorsOfAProbe = 2;

/// An open file, or none; closed on destruction. Counts all open ones.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(int number);
  OpenFile(OpenFile&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~OpenFile();

  int number() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  /// Whether one more may stay open between runs: all collectors together may keep at most a
  /// quarter of the process's limit.
  static bool may_keep();

 private:
  int number_ = -1;
};

/// The process's limit on descriptors.
std::size_t descriptor_limit();
/// Whether an errno value means that descriptors have run out, for any kind of file.
bool is_exhausted(int error);

}  // namespace exporter::host
