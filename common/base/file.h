#pragma once

#include <cstddef>
#include <string>

#include "common/base/deadline.h"

namespace exporter {

/// The content of a file, truncated after `max_bytes` + 1. A file that is not regular (a FIFO, the
/// pipe of a process substitution, a terminal) is read until its writer closes it. Throws Error{io}
/// with the path, also if the writer writes nothing or takes longer than `patience`. Only a hung
/// file system takes longer.
std::string read_file_within(const std::string& path, std::size_t max_bytes,
                             Clock::duration patience);

}  // namespace exporter
