#include "common/app/rows.h"

namespace exporter {

std::size_t ListRows::take(const Json& page, const std::function<void(const Json& row)>& read) {
  const auto rows = page.items();
  for (const auto& row : rows) {
    try {
      read(row);
      has_read_ = true;
    } catch (const Error& error) {
      if (error.reason() != Reason::decode) throw;
      samples_.note_malformed_row(error.what());
      if (!first_) first_ = error;
    }
  }
  return rows.size();
}

void ListRows::check() const {
  if (first_ && !has_read_) throw Error(*first_);
}

void read_rows(const Json& page, Samples& samples,
               const std::function<void(const Json& row)>& read) {
  ListRows rows(samples);
  rows.take(page, read);
  rows.check();
}

}  // namespace exporter
