#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/deadline.h"

namespace exporter {

/// Writes lines to a descriptor and never waits for whoever reads them. A line that cannot be
/// written at once is queued for a thread, which lives as long as lines wait; beyond 4 MiB of them
/// a line is dropped. Nothing is queued as long as the reader keeps up, so that a crash loses
/// nothing. A file or a terminal is written by the thread alone, as it may hang: one caller waits
/// for it, at most a second.
class LineWriter {
 public:
  /// A line, with its newline, that says how many were dropped.
  using Notice = std::string (*)(std::uint64_t dropped);

  /// `notice` makes the line that stands in place of those dropped. Borrows the descriptor.
  LineWriter(int descriptor, Notice notice);

  /// Each line, which ends in a newline, in one write(2) as long as the system takes it whole.
  void write(std::string line);
  /// Waits until all lines are written; whether they were by then.
  bool flush(Clock::time_point until);
  /// Lines so far that found no room or could not be written.
  std::uint64_t dropped() const;

 private:
  class State;
  std::shared_ptr<State> state_;  // shared with the thread, which may hang in a write
};

}  // namespace exporter
