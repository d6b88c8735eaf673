#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// The expression for the server's own time, in UTC. With another dialect than those that are
/// known, it is in the session's zone.
std::string_view server_time(Dialect dialect) noexcept;

/// The condition that one time is later than another by more than that, of whole seconds.
std::string is_later(std::string_view time, std::string_view than, std::chrono::seconds by,
                     Dialect dialect);

}  // namespace exporter::sql
