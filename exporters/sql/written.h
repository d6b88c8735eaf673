#pragma once

#include <string>

#include "common/base/clock.h"
#include "common/collect/collector.h"
#include "common/sql/table.h"

namespace exporter::sql {

/// "every 1m, timeout 10s".
std::string pace_of(const Collector& collector);

/// "0.012 s".
std::string written(Clock::duration duration);

/// "1 row", "2 rows".
std::string counted(std::size_t count, const std::string& what);

/// The first rows of a table, aligned in columns with headers.
std::string written(const Table& table);
/// The maximum number of rows.
constexpr std::size_t kShownRows = 20;

}  // namespace exporter::sql
