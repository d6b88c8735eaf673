#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace exporter {

/// Raw deflate blocks that end on a byte boundary (Z_FULL_FLUSH), to be joined into a gzip member.
struct Deflated {
  std::string bytes;
  std::uint32_t crc = 0;  ///< CRC-32 of the raw bytes
  std::size_t raw_size = 0;
  /// Appends this checksum to others (zlib's crc32_combine_op); initially for no bytes.
  std::uint32_t crc_op = 1u << 31;
};

/// Compresses at a zlib level from 1 (fast) to 9; 0 stores. Throws Error{internal} if out of
/// memory.
Deflated deflate_blocks(std::string_view raw, int level);

/// Joins deflated pieces into one gzip member (RFC 1952): header(), the pieces' bytes in the order
/// of add(), trailer().
class GzipMember {
 public:
  static std::string_view header();
  void add(const Deflated& piece);
  std::string trailer() const;

 private:
  std::uint32_t crc_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace exporter
