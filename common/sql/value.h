#pragma once

#include <string_view>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// The number that a cell's text is: a decimal number in any notation, true or false, NaN or an
/// infinity as PostgreSQL, SQLite and C write them. Throws Error{decode} for anything else: drivers
/// that are asked for a number make 0 of a text and 2026 of a time.
double number_of(std::string_view text);

/// The instant that a cell's text is: a date, a date and time with or without an offset (UTC then),
/// or seconds since 1970. Throws Error{decode} for anything else, MySQL's zero date too.
Time time_of(std::string_view text);

/// The type that a database gives a column, of what the driver calls it: PostgreSQL's calls an int8
/// with a sequence bigserial.
std::string_view type_name(std::string_view name, Dialect dialect) noexcept;

}  // namespace exporter::sql
