#pragma once

#include <chrono>

namespace exporter {

/// What deadlines and pauses are measured by: no change of the wall clock moves it.
using Clock = std::chrono::steady_clock;

}  // namespace exporter
