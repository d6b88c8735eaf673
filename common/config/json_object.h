#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace exporter {

/// Writes a JSON object, member by member, that Json can read. Replaces invalid UTF-8.
class JsonObject {
 public:
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, double value);  ///< finite
  void add(std::string_view key, std::int64_t value);
  void add(std::string_view key, std::same_as<bool> auto value) {
    begin(key);
    text_ += value ? "true" : "false";
  }
  void add(std::string_view key, const JsonObject& value);
  void add(std::string_view key, const std::vector<JsonObject>& values);
  void add(std::string_view key, const std::vector<std::string>& values);
  /// Adds nothing if there is no value.
  template <class Value>
  void add(std::string_view key, const std::optional<Value>& value) {
    if (value) add(key, *value);
  }

  std::string text() const { return '{' + text_ + '}'; }

 private:
  void begin(std::string_view key);

  std::string text_;
};

}  // namespace exporter
