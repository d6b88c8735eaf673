#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/deadline.h"

namespace exporter {

/// Writes lines to a descriptor without waiting for its reader. A line that cannot be written at
/// once is queued for a thread, which exists only while lines are queued; beyond 4 MiB of them,
/// lines are dropped. While the reader keeps up nothing is queued, so a crash loses nothing. Files
/// and terminals are written only by the thread, because they may hang: callers wait for it, one at
/// a time, for at most a second.
class LineWriter {
 public:
  /// Makes a line, with its newline, that reports how many were dropped.
  using Notice = std::string (*)(std::uint64_t dropped);

  /// `notice` makes the line that replaces the dropped ones. Does not own the descriptor.
  LineWriter(int descriptor, Notice notice);

  /// Writes a line, which ends in a newline, in one write(2) if the system accepts it whole.
  void write(std::string line);
  /// Waits until all lines are written; false at the timeout.
  bool flush(Clock::time_point until);
  /// How many lines were dropped or could not be written so far.
  std::uint64_t dropped() const;

 private:
  class State;
  std::shared_ptr<State> state_;  // shared with the thread, which may hang in a write
};

}  // namespace exporter
