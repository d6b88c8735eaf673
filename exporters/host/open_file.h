#pragma once

#include <cstddef>
#include <utility>

namespace exporter::host {

/// The fewest descriptors that a process may be allowed: what the server, netlink, engines and
/// reading take on a quiet host, beside the quarter that may stay open.
inline constexpr std::size_t kFewestDescriptors = 64;
/// What the probe of one target takes besides: a connection, and a pair while a name is looked up.
inline constexpr std::size_t kDescriptorsOfAProbe = 2;

/// An open file, or none; closed when it goes. Knows how many are open.
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
  /// Whether one more may stay open between runs: those of all collectors together are at most a
  /// quarter of what the process may open.
  static bool may_keep();

 private:
  int number_ = -1;
};

/// How many descriptors this process may open.
std::size_t descriptor_limit();
/// Whether errno's value `error` says want of descriptors, whatever was to be opened.
bool is_exhausted(int error);

}  // namespace exporter::host
