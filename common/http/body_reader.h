#pragma once

#include <cstddef>
#include <utility>

#include "common/base/body.h"

namespace exporter::http {

/// A body on its way out, and how far it went.
class BodyReader {
 public:
  explicit BodyReader(Body body) : body_(std::move(body)) {}

  const Body& body() const { return body_; }

  /// Copies what comes next, at most `room` bytes; returns how many, 0 at the end.
  std::size_t read(char* to, std::size_t room) {
    std::size_t filled = 0;
    while (filled < room && part_ < body_.parts().size()) {
      const auto rest = body_.parts()[part_].substr(offset_);
      const auto taken = rest.copy(to + filled, room - filled);
      filled += taken;
      offset_ += taken;
      if (taken == rest.size()) {
        ++part_;
        offset_ = 0;
      }
    }
    return filled;
  }

 private:
  Body body_;
  std::size_t part_ = 0, offset_ = 0;
};

}  // namespace exporter::http
