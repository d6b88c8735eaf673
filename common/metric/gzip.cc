#include "common/metric/gzip.h"

#include <zlib.h>

#include <array>
#include <memory>
#include <mutex>
#include <utility>

#include "common/base/error.h"

namespace exporter {
namespace {

constexpr int kRawDeflate = -15;  // raw deflate, a window of 32 KiB
constexpr int kMemoryLevel = 8;   // zlib's default: 256 KiB a stream

struct End {
  void operator()(z_stream* z) const {
    deflateEnd(z);
    delete z;
  }
};
using Stream = std::unique_ptr<z_stream, End>;

/// Streams to be reused, because making one costs more than compressing a small page. Few are kept,
/// because each holds 256 KiB.
class Streams {
 public:
  Stream take(int level) {
    {
      const std::lock_guard lock(mutex_);
      for (auto& [kept_level, kept] : kept_) {
        if (kept && kept_level == level) {
          deflateReset(kept.get());
          return std::move(kept);
        }
      }
    }
    auto made = std::make_unique<z_stream>();
    if (deflateInit2(made.get(), level, Z_DEFLATED, kRawDeflate, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw Error(Reason::internal, "zlib: out of memory");
    }
    return Stream(made.release());
  }

  void give_back(int level, Stream stream) {
    const std::lock_guard lock(mutex_);
    for (auto& slot : kept_) {
      if (!slot.second) {
        slot = {level, std::move(stream)};
        return;
      }
    }
  }

 private:
  std::mutex mutex_;
  std::array<std::pair<int, Stream>, 2> kept_;
};

Streams& streams() {
  static Streams all;
  return all;
}

void append_little_endian(std::string& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
}

/// RFC 1951, section 3.2.4.
void append_stored_blocks(std::string& out, std::string_view raw) {
  constexpr std::size_t kLongest = 0xffff;
  while (!raw.empty()) {
    const auto block = raw.substr(0, kLongest);
    raw.remove_prefix(block.size());
    const auto size = static_cast<std::uint32_t>(block.size());
    out += '\0';  // not the last block, stored
    append_little_endian(out, size | ~size << 16);
    out += block;
  }
}

void append_compressed_blocks(std::string& out, std::string_view raw, int level) {
  auto stream = streams().take(level);
  auto& z = *stream;
  constexpr std::size_t kFlushMarker = 16;
  constexpr std::size_t kSlice = 1u << 30;  // zlib counts the bytes of a call in 32 bits
  while (!raw.empty()) {
    const auto slice = raw.substr(0, kSlice);
    raw.remove_prefix(slice.size());
    const auto at = out.size();
    out.resize(at + deflateBound(&z, slice.size()) + kFlushMarker);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(slice.data()));
    z.avail_in = static_cast<uInt>(slice.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data() + at);
    z.avail_out = static_cast<uInt>(out.size() - at);
    deflate(&z, Z_FULL_FLUSH);
    out.resize(out.size() - z.avail_out);
  }
  streams().give_back(level, std::move(stream));
}

}  // namespace

Deflated deflate_blocks(std::string_view raw, int level) {
  Deflated piece;
  piece.raw_size = raw.size();
  piece.crc = static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(raw.data()), raw.size()));
  piece.crc_op = static_cast<std::uint32_t>(crc32_combine_gen(static_cast<z_off_t>(raw.size())));
  if (level == 0) {
    append_stored_blocks(piece.bytes, raw);
  } else {
    append_compressed_blocks(piece.bytes, raw, level);
  }
  piece.bytes.shrink_to_fit();
  return piece;
}

std::string_view GzipMember::header() { return {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10}; }

void GzipMember::add(const Deflated& piece) {
  crc_ = static_cast<std::uint32_t>(crc32_combine_op(crc_, piece.crc, piece.crc_op));
  size_ += static_cast<std::uint32_t>(piece.raw_size);
}

std::string GzipMember::trailer() const {
  std::string out("\x03\x00", 2);  // an empty last block
  append_little_endian(out, crc_);
  append_little_endian(out, size_);
  return out;
}

}  // namespace exporter
