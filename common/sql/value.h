#pragma once

#include <string_view>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// Parses a cell as a number: a decimal number in any notation, true or false, NaN or an infinity
/// as PostgreSQL, SQLite and C write them. Throws Error{decode} for anything else, while drivers
/// that are asked for a number return 0 for a text and 2026 for a time.
double number_of(std::string_view text);

/// Parses a cell as an instant: a date, a date and time with or without an offset (UTC then), or
/// seconds since 1970. Throws Error{decode} for anything else, including MySQL's zero date.
Time time_of(std::string_view text);

/// The same for the earliest of several times. One that cannot be parsed, such as MySQL's zero date
/// or PostgreSQL's -infinity, is earlier than any other.
Time earliest_of(std::string_view text);

/// The database's type of a column, given the driver's name for it: for PostgreSQL's driver an int8
/// with a sequence is bigserial.
std::string_view type_name(std::string_view name, Dialect dialect) noexcept;

}  // namespace exporter::sql
