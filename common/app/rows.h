#pragma once

#include <cstddef>
#include <functional>
#include <optional>

#include "common/base/error.h"
#include "common/config/json.h"
#include "common/metric/samples.h"

namespace exporter {

/// Reads the rows of one list, however many pages it has.
class ListRows {
 public:
  explicit ListRows(Samples& samples) : samples_(samples) {}

  /// Calls `read` with each item of a page. A row for which it throws Error{decode} is left out and
  /// noted in the samples. Returns the number of rows, including those. `read` must read the whole
  /// row before it adds any of it.
  std::size_t take(const Json& page, const std::function<void(const Json& row)>& read);

  /// Throws the first row's error if none of the rows could be read.
  void check() const;

  bool has_left_out() const { return first_.has_value(); }

 private:
  Samples& samples_;
  std::optional<Error> first_;
  bool has_read_ = false;
};

/// Reads a list of one page, and checks it.
void read_rows(const Json& page, Samples& samples,
               const std::function<void(const Json& row)>& read);

}  // namespace exporter
