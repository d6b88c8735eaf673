#pragma once

#include <optional>
#include <string>

#include "exporters/dbt/lister.h"

namespace exporter::dbt {

/// Looks an invocation up in the log. One that cannot be read says nothing.
Logged find_in_log(const std::string& path, const std::string& invocation);

/// The last command whose end is in the last 64 KiB of the log, without its time; of dbt 1.5 and
/// up.
std::optional<EndedCommand> last_ended(const std::string& path);

}  // namespace exporter::dbt
