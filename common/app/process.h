#pragma once

#include <functional>
#include <initializer_list>
#include <string_view>

#include "common/base/deadline.h"

/// Standard streams, signals and the end of the process.
namespace exporter::process {

/// Opens /dev/null for standard streams that are closed, so that no other file or socket gets their
/// descriptors. Reading and writing them fails, as before.
void open_standard_streams() noexcept;

/// Writes to standard output. Throws Error{io}.
void print(std::string_view text);

/// Blocks SIGHUP, SIGTERM and SIGINT in this thread and in those that it starts, and ignores
/// SIGPIPE and SIGXFSZ, so that a failed write is an error.
void block_signals();

/// Waits for one of the blocked signals; 0 when none came before `until`.
int next_signal(Clock::time_point until);

/// Runs the work in a thread of its own and returns what it returns or throws. If one of the
/// signals arrives first, calls `interrupted` with it, which must not return, because the work may
/// hang. Signals that were ignored when the process started (nohup) stay ignored.
int interruptible(const std::function<int()>& work, std::initializer_list<int> signals,
                  const std::function<void(int signal)>& interrupted);

/// Waits briefly for queued log lines to be written.
void flush_log() noexcept;

/// Ends the process as the signal does by default; as process 1, exits with code 128 + signal.
[[noreturn]] void die_of(int signal);

/// Ends the process without running destructors, because hung threads would outlive them.
[[noreturn]] void leave(int exit_code);

}  // namespace exporter::process
