#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/http/gunzip.h"
#include "common/metric/gzip.h"

using namespace exporter;

namespace {

constexpr std::size_t kMost = 1 << 20;  // bytes; larger outputs would take the time of other inputs

struct Decoded {
  std::string text;
  bool is_whole = false;
  bool operator==(const Decoded&) const = default;
};

/// The decoded bytes, or their start, when decoding in pieces of this size; nothing if they are
/// rejected.
std::optional<Decoded> decode(std::string_view bytes, std::size_t piece_size) {
  http::Gunzip gunzip;
  Decoded decoded;
  try {
    while (!bytes.empty() && decoded.text.size() < kMost) {
      auto piece = bytes.substr(0, piece_size);
      bytes.remove_prefix(piece.size());
      for (auto text = gunzip.next(piece); !text.empty(); text = gunzip.next(piece)) {
        decoded.text += text;
      }
    }
  } catch (const Error& error) {
    if (error.reason() != Reason::decode) std::abort();
    return std::nullopt;
  }
  decoded.is_whole = gunzip.is_whole();
  return decoded;
}

std::string packed(std::string_view text) {
  GzipMember member;
  const auto deflated = deflate_blocks(text, 6);
  member.add(deflated);
  return std::string(GzipMember::header()) + deflated.bytes + member.trailer();
}

bool is_cut(const std::optional<Decoded>& decoded) {
  return decoded && decoded->text.size() >= kMost;
}

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

/// The first byte is the size of the pieces, in which the rest must decode to the same as in one
/// piece. The rest itself, compressed into two members, must be decoded, but not without its end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = decode(bytes, std::max<std::size_t>(bytes.size(), 1));
  const auto in_pieces = decode(bytes, data[0] % 64 + 1);
  must(is_cut(whole) || is_cut(in_pieces) || whole == in_pieces);

  const auto half = bytes.size() / 2;
  const auto members = packed(bytes.substr(0, half)) + packed(bytes.substr(half));
  must(decode(members, data[0] + 1) == Decoded{std::string(bytes), true});
  must(!decode(std::string_view(members).substr(0, members.size() - 1), 4096)->is_whole);
  return 0;
}
