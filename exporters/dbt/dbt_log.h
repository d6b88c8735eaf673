#pragma once

#include <optional>
#include <string>

#include "exporters/dbt/lister.h"

namespace exporter::dbt {

/// Looks up an invocation in the log. A log that cannot be read is ignored.
Logged find_in_log(const std::string& path, const std::string& invocation);

/// The last command whose end is in the last 64 KiB of the log, without its time; since dbt 1.5.
std::optional<EndedCommand> last_ended(const std::string& path);

}  // namespace exporter::dbt
