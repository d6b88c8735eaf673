#pragma once

#include <optional>
#include <string>

#include "common/base/error.h"

namespace exporter::http {

/// Why a try brought no whole reply, and which requests may be tried again after it.
struct Failure {
  enum class Again { never, if_repeatable, always };
  Reason reason;
  std::string why;
  Again again;
  std::optional<Clock::time_point> not_before = {};
};

}  // namespace exporter::http
