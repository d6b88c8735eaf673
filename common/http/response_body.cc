#include "common/http/response_body.h"

#include <microhttpd.h>

#include <cstddef>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace exporter::http {

namespace {

constexpr std::size_t kOneSend = 1 << 20;  // a body up to this size goes out in one piece
constexpr std::size_t kBlock = 256 << 10;

/// A body being sent, and the position in it.
struct Reader {
  Body body;
  std::size_t part = 0, offset = 0;
};

/// Copies the next bytes, at most `room`; called once per block, in order.
ssize_t next_block(void* reader, std::uint64_t, char* to, std::size_t room) {
  auto& [body, part, offset] = *static_cast<Reader*>(reader);
  std::size_t filled = 0;
  while (filled < room && part < body.parts().size()) {
    const auto rest = body.parts()[part].substr(offset);
    const auto taken = rest.copy(to + filled, room - filled);
    filled += taken;
    offset += taken;
    if (taken == rest.size()) {
      ++part;
      offset = 0;
    }
  }
  return static_cast<ssize_t>(filled);
}

void free_reader(void* reader) { delete static_cast<Reader*>(reader); }

}  // namespace

/// The library (0.9.75) gathers pieces in the memory left over by the request's headers, and aborts
/// if that is too small: so it gets one piece, or copies block by block.
MHD_Response* response_with(Body body) {
  if (body.parts().size() > 1 && body.size() <= kOneSend) body = Body(body.joined());
  auto reader = std::make_unique<Reader>(Reader{std::move(body)});
  const auto& parts = reader->body.parts();
  MHD_Response* made = nullptr;
  if (parts.size() <= 1) {
    const auto whole = parts.empty() ? std::string_view{} : parts.front();
    const MHD_IoVec piece{whole.data(), whole.size()};
    made = MHD_create_response_from_iovec(&piece, 1, &free_reader, reader.get());
  } else {
    made = MHD_create_response_from_callback(reader->body.size(), kBlock, &next_block, reader.get(),
                                             &free_reader);
  }
  if (made == nullptr) throw std::bad_alloc();
  static_cast<void>(reader.release());
  return made;
}

}  // namespace exporter::http
