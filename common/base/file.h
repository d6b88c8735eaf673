#pragma once

#include <cstddef>
#include <string>

#include "common/base/deadline.h"

namespace exporter {

/// The content of a file, cut after `max_bytes` + 1. What is not a regular file (a FIFO, the pipe
/// of a process substitution, a terminal) is read until its writer closes it. Throws Error{io} with
/// the path, and when the writer writes nothing or takes longer than `patience`. Only a file system
/// that hangs takes longer.
std::string read_file_within(const std::string& path, std::size_t max_bytes,
                             Clock::duration patience);

}  // namespace exporter
