#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "common/base/clock.h"

namespace exporter {

/// Why a run failed; the value is also the `reason` label of exporter_collector_failures_total.
enum class Reason {
  config,
  auth,
  connect,
  timeout,
  http_status,
  rate_limited,
  decode,
  query,
  locked,
  io,
  cancelled,
  internal,
};

/// The reason's label value, e.g. "rate_limited".
std::string_view to_string(Reason reason) noexcept;

/// A failure with its reason: thrown where it happens, caught by the Runner and by run() alone.
class Error : public std::runtime_error {
 public:
  Error(Reason reason, const std::string& what, std::optional<Clock::time_point> not_before = {})
      : std::runtime_error(what), reason_(reason), not_before_(not_before) {}
  Reason reason() const noexcept { return reason_; }
  /// When the source allows the next request (Retry-After, at most a day ahead).
  std::optional<Clock::time_point> not_before() const noexcept { return not_before_; }

 private:
  Reason reason_;
  std::optional<Clock::time_point> not_before_;
};

/// An Error{Reason::io} that reads "<what>: <text of errno_value>".
Error io_error(std::string_view what, int errno_value);

/// The text of the exception being handled, of any type: for a catch (...) at the end of a thread
/// or of a library's callback.
std::string current_error();

}  // namespace exporter
