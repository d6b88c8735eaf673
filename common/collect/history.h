#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "common/base/error.h"

namespace exporter {

/// One run of a collector, for the landing page.
struct RunRecord {
  double start_unix = 0;  ///< seconds since 1970
  double duration_seconds = 0;
  std::uint64_t requests = 0;  ///< requests or statements that were sent
  std::size_t samples = 0;
  bool success = true;
  Reason reason = Reason::internal;  ///< of a failure
  std::string error = {};            ///< of a failure; holds no secret
};

/// The last runs of a collector, and the last failures before those.
class History {
 public:
  static constexpr std::size_t kRuns = 10, kFailures = 5;

  void add(RunRecord run);
  /// Replaces the newest, because the run went on after it was recorded.
  void replace_newest(RunRecord run) { runs_.back() = std::move(run); }
  /// The newest first.
  std::vector<RunRecord> runs() const;

 private:
  std::deque<RunRecord> runs_, failures_;  // the oldest first
};

}  // namespace exporter
