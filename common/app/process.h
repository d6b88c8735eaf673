#pragma once

#include <functional>
#include <initializer_list>
#include <string_view>

#include "common/base/deadline.h"

/// What a process does around its work: standard streams, signals, its end.
namespace exporter::process {

/// Puts /dev/null in place of standard streams that are closed, so that no file or socket gets
/// their numbers. Whoever reads or writes there fails, as before.
void open_standard_streams() noexcept;

/// Writes to standard output. Throws Error{io}.
void print(std::string_view text);

/// Blocks SIGHUP, SIGTERM and SIGINT in this thread and those that it starts, and ignores SIGPIPE
/// and SIGXFSZ: what cannot be written is an error.
void block_signals();

/// Waits for one of the blocked signals; 0 when none came before `until`.
int next_signal(Clock::time_point until);

/// Does the work on a thread of its own and returns what it returns or throws. When one of the
/// signals comes first, `interrupted` is called with it, which must not return: the work may hang.
/// Signals that were ignored when the process started (nohup) are not among them.
int interruptible(const std::function<int()>& work, std::initializer_list<int> signals,
                  const std::function<void(int signal)>& interrupted);

/// Waits a little for lines of the log that wait for a reader.
void flush_log() noexcept;

/// Ends the process as the signal does by default; as process 1 with code 128 + signal.
[[noreturn]] void die_of(int signal);

/// Ends the process without running destructors, which threads that hang would outlive.
[[noreturn]] void leave(int exit_code);

}  // namespace exporter::process
