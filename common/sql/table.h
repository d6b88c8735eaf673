#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace exporter::sql {

/// The result of a query: texts in rows and columns, distinct from NULL. All texts are in one block
/// of memory.
class Table {
 public:
  explicit Table(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  const std::vector<std::string>& columns() const { return columns_; }
  /// The driver's name for the type of each column, "numeric"; empty if it was not asked.
  const std::vector<std::string>& types() const { return types_; }
  void set_types(std::vector<std::string> types) { types_ = std::move(types); }
  std::size_t rows() const { return columns_.empty() ? 0 : ends_.size() / columns_.size(); }
  std::size_t bytes() const { return text_.size(); }

  /// The column with this name; or else the only one that differs just in case.
  std::optional<std::size_t> column(std::string_view name) const;

  /// The text of a cell; nothing for NULL.
  std::optional<std::string_view> at(std::size_t row, std::size_t column) const;

  /// Fills rows cell by cell, each with append() in pieces and then end_cell().
  void append(std::string_view piece) { text_.append(piece); }
  void end_cell(bool is_null);

 private:
  static constexpr std::uint32_t kNull = 1u << 31;

  std::vector<std::string> columns_, types_;
  std::string text_;
  std::vector<std::uint32_t> ends_;  ///< of each cell in the text; plus kNull for NULL
};

}  // namespace exporter::sql
