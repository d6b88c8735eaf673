#pragma once

#include <string>
#include <string_view>

namespace exporter::airflow {

/// What Python's json.dumps wrote, as JSON: null for each NaN, Infinity, number that is too large
/// and value more than 200 levels deep, U+FFFD for each lone surrogate. A run's conf and an event's
/// extra hold what users give them, and one such value would cost all rows of the page.
std::string json_of_python(std::string_view text);

}  // namespace exporter::airflow
