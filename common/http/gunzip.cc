#include "common/http/gunzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>
#include <string>

#include "common/base/error.h"

namespace exporter::http {

struct Gunzip::State {
  z_stream z{};
  bool in_member = false;
  std::array<char, 32 << 10> decoded;
};

Gunzip::Gunzip() : state_(std::make_unique<State>()) {
  constexpr int kGzip = 15 + 16;  // a window of 32 KiB; zlib checks the frame and checksums
  if (::inflateInit2(&state_->z, kGzip) != Z_OK) throw std::bad_alloc();
}

Gunzip::~Gunzip() { ::inflateEnd(&state_->z); }

bool Gunzip::is_whole() const { return !state_->in_member; }

std::string_view Gunzip::next(std::string_view& encoded) {
  auto& [z, in_member, decoded] = *state_;
  for (;;) {
    if (!in_member) {
      if (encoded.empty()) return {};
      ::inflateReset(&z);
    }
    const auto given = std::min<std::size_t>(encoded.size(), std::numeric_limits<uInt>::max());
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(encoded.data()));
    z.avail_in = static_cast<uInt>(given);
    z.next_out = reinterpret_cast<Bytef*>(decoded.data());
    z.avail_out = static_cast<uInt>(decoded.size());
    const int result = ::inflate(&z, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      throw Error(Reason::decode,
                  std::string("gzip: ") + (z.msg != nullptr ? z.msg : "not a deflate stream"));
    }
    in_member = result != Z_STREAM_END;
    encoded.remove_prefix(given - z.avail_in);
    const std::string_view piece(decoded.data(), decoded.size() - z.avail_out);
    if (!piece.empty() || encoded.empty()) return piece;
  }
}

}  // namespace exporter::http
