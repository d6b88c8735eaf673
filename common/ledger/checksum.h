#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/text.h"

namespace exporter::ledger {

/// A checksum of the columns of a row. SQLite has none, and would read a flipped bit as another
/// value.
class Checksum {
 public:
  Checksum& add(std::int64_t value) noexcept { return mix(static_cast<std::uint64_t>(value)); }
  /// SQLite stores -0 as 0; adding 0 does the same.
  Checksum& add(std::optional<double> value) noexcept {
    return mix(value ? std::bit_cast<std::uint64_t>(*value + 0.0) : kNull);
  }
  Checksum& add(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size(); at += 8) mix(word_at(text, at));
    return mix(text.size());
  }

  /// Only 31 bits: SQLite stores these in four bytes.
  std::int64_t value() const noexcept { return static_cast<std::int64_t>(state_ >> 33); }

 private:
  static constexpr std::uint64_t kNull = 0x7ff4'dead'beef'0001;  // a NaN, which no column contains

  Checksum& mix(std::uint64_t word) noexcept {
    state_ = (state_ ^ word) * 0x9e37'79b9'7f4a'7c15;
    state_ ^= state_ >> 29;
    return *this;
  }

  std::uint64_t state_ = 0x243f'6a88'85a3'08d3;
};

}  // namespace exporter::ledger
