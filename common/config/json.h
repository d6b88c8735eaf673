#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace exporter {

namespace json_tree {
struct Document;
}

/// A value in a JSON reply. Every failure is an Error{decode} that reads "origin: path: what is
/// wrong", e.g. "GET /dags: dags[3].is_paused: expected boolean, got string". Errors never quote
/// values, because a reply may hold secrets. Cheap to copy.
class Json {
 public:
  static constexpr std::size_t kMaxValues = 4u << 20;  ///< 128 MiB of memory, plus the strings

  /// Parses the whole text (at most 256 levels deep, at most `max_values` values); invalid UTF-8 is
  /// an error. Uses 32 bytes of memory for each value, and no more than the size of the text for
  /// strings.
  static Json parse(std::string_view text, std::string origin, std::size_t max_values = kMaxValues);

  /// The member `key`; fails when it is missing or null.
  Json at(std::string_view key) const;
  /// The member `key`; nothing if it is absent or null.
  std::optional<Json> find(std::string_view key) const;
  /// The items of an array.
  std::vector<Json> items() const;
  /// The members of an object, sorted by name; of duplicate names the last one is kept.
  std::vector<std::pair<std::string, Json>> members() const;

  bool is_null() const;  ///< of an item; of a member, find() says it
  bool is_string() const;
  bool is_number() const;
  bool is_array() const;
  bool is_object() const;

  std::string string() const;
  double number() const;
  std::int64_t integer() const;
  bool boolean() const;
  std::chrono::sys_time<std::chrono::microseconds> time() const;  ///< RFC 3339

  [[noreturn]] void fail(std::string_view why) const;

 private:
  Json(std::shared_ptr<const json_tree::Document> document, std::uint32_t node);
  template <class Type>
  bool is() const;

  std::shared_ptr<const json_tree::Document> document_;
  std::uint32_t node_;
};

}  // namespace exporter
