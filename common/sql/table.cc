#include "common/sql/table.h"

#include "common/base/text.h"

namespace exporter::sql {

std::optional<std::size_t> Table::column(std::string_view name) const {
  std::optional<std::size_t> similar;
  std::size_t similar_count = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i] == name) return i;
    if (!equal_ignoring_case(columns_[i], name)) continue;
    similar = i;
    ++similar_count;
  }
  return similar_count == 1 ? similar : std::nullopt;
}

std::optional<std::string_view> Table::at(std::size_t row, std::size_t column) const {
  const auto index = row * columns_.size() + column;
  const auto end = ends_[index];
  if ((end & kNull) != 0) return std::nullopt;
  const auto begin = index == 0 ? 0 : ends_[index - 1] & ~kNull;
  return std::string_view(text_).substr(begin, end - begin);
}

void Table::end_cell(bool is_null) {
  ends_.push_back(static_cast<std::uint32_t>(text_.size()) | (is_null ? kNull : 0));
}

}  // namespace exporter::sql
