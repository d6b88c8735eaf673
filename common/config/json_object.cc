#include "common/config/json_object.h"

#include <nlohmann/json.hpp>

namespace exporter {
namespace {

template <class Value>
std::string dump(const Value& value) {
  using Tree = nlohmann::json;
  return Tree(value).dump(-1, ' ', false, Tree::error_handler_t::replace);
}

}  // namespace

void JsonObject::begin(std::string_view key) {
  if (!text_.empty()) text_ += ',';
  text_ += dump(key) + ':';
}

void JsonObject::add(std::string_view key, std::string_view value) {
  begin(key);
  text_ += dump(value);
}

void JsonObject::add(std::string_view key, double value) {
  begin(key);
  text_ += dump(value);
}

void JsonObject::add(std::string_view key, std::int64_t value) {
  begin(key);
  text_ += dump(value);
}

void JsonObject::add(std::string_view key, const JsonObject& value) {
  begin(key);
  text_ += value.text();
}

void JsonObject::add(std::string_view key, const std::vector<JsonObject>& values) {
  begin(key);
  text_ += '[';
  for (const auto& value : values) {
    if (text_.back() != '[') text_ += ',';
    text_ += value.text();
  }
  text_ += ']';
}

void JsonObject::add(std::string_view key, const std::vector<std::string>& values) {
  begin(key);
  text_ += dump(values);
}

}  // namespace exporter
