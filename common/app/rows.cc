#include "common/app/rows.h"

#include <optional>

#include "common/base/error.h"

namespace exporter {

void read_rows(const Json& array, Samples& samples,
               const std::function<void(const Json& row)>& read) {
  std::optional<Error> first;
  std::size_t malformed = 0;
  const auto rows = array.items();
  for (const auto& row : rows) {
    try {
      read(row);
    } catch (const Error& error) {
      if (error.reason() != Reason::decode) throw;
      if (malformed++ == 0) first = error;
    }
  }
  if (!first) return;
  if (malformed == rows.size()) throw Error(*first);
  samples.note_malformed_row(first->what());
}

}  // namespace exporter
