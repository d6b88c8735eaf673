#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"

namespace exporter::http {

/// Why an attempt brought no complete reply, and which requests may be retried after it.
struct Failure {
  enum class Again { never, if_repeatable, always };
  Reason reason;
  std::string why;
  Again again;
  std::optional<Clock::time_point> not_before = {};
};

}  // namespace exporter::http
