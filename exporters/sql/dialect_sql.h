#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// The expression for the server's own time, in UTC. For an unknown dialect it is in the session's
/// time zone.
std::string_view server_time(Dialect dialect) noexcept;

/// The condition that one time is more than that many whole seconds later than another.
std::string is_later(std::string_view time, std::string_view than, std::chrono::seconds by,
                     Dialect dialect);

}  // namespace exporter::sql
