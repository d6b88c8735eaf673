#include "common/base/error.h"

#include <system_error>

namespace exporter {

std::string_view to_string(Reason reason) noexcept {
  switch (reason) {
    case Reason::config: return "config";
    case Reason::auth: return "auth";
    case Reason::connect: return "connect";
    case Reason::timeout: return "timeout";
    case Reason::http_status: return "http_status";
    case Reason::rate_limited: return "rate_limited";
    case Reason::decode: return "decode";
    case Reason::query: return "query";
    case Reason::locked: return "locked";
    case Reason::io: return "io";
    case Reason::cancelled: return "cancelled";
    case Reason::internal: return "internal";
  }
  return "internal";
}

Error io_error(std::string_view what, int errno_value) {
  return {Reason::io, std::string(what) + ": " + std::generic_category().message(errno_value)};
}

std::string current_error() {
  try {
    throw;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace exporter
