#pragma once

#include <functional>

#include "common/config/json.h"
#include "common/metric/samples.h"

namespace exporter {

/// Calls `read` with each item of the array. A row for which it throws Error{decode} is left out
/// and noted in the samples; if no row can be read, throws the first row's error. `read` must read
/// the whole row before it adds any of it.
void read_rows(const Json& array, Samples& samples,
               const std::function<void(const Json& row)>& read);

}  // namespace exporter
