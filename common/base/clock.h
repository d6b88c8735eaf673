#pragma once

#include <chrono>

namespace exporter {

/// The clock of deadlines and pauses: changes of the wall clock do not affect it.
using Clock = std::chrono::steady_clock;

}  // namespace exporter
