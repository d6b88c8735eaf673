#pragma once

#include <functional>

#include "common/config/json.h"
#include "common/metric/samples.h"

namespace exporter {

/// Calls `read` with each item of the array. A row of which it throws Error{decode} is left out and
/// noted in the samples; when no row can be read, throws the first one's error. `read` adds nothing
/// of a row before it has read all of it.
void read_rows(const Json& array, Samples& samples,
               const std::function<void(const Json& row)>& read);

}  // namespace exporter
