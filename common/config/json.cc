#include "common/config/json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/path.h"

namespace exporter {

namespace json_tree {

struct Node {
  using Children = std::vector<std::unique_ptr<Node>>;
  struct Array {
    Children items;
  };
  struct Object {
    Children members;  // by key
  };

  const Node* parent = nullptr;
  const std::string* origin = nullptr;
  std::size_t index = 0;  // in an array
  std::string key;        // in an object
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> value;

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value); }
};

}  // namespace json_tree

namespace {

using json_tree::Node;

constexpr std::size_t kMaxDepth = 256;

struct Document {
  std::string origin;
  std::unique_ptr<Node> root;
};

std::string path_of(const Node& node) {
  if (node.parent == nullptr) return {};
  std::string path = path_of(*node.parent);
  if (std::holds_alternative<Node::Object>(node.parent->value)) {
    path::append_key(path, node.key);
  } else {
    path::append_index(path, node.index);
  }
  return path;
}

[[noreturn]] void fail_at(std::string_view origin, std::string_view path, std::string_view why) {
  std::string text(origin);
  if (!path.empty()) text.append(": ").append(path);
  throw Error(Reason::decode, text.append(": ").append(why));
}

[[noreturn]] void fail_type(const Node& node, std::string_view expected) {
  constexpr std::array<std::string_view, 7> kKinds = {"null",   "boolean", "number", "number",
                                                      "string", "array",   "object"};
  fail_at(*node.origin, path_of(node),
          "expected " + std::string(expected) + ", got " + std::string(kKinds[node.value.index()]));
}

template <class Type>
const Type& get(const Node& node, std::string_view expected) {
  if (const auto* held = std::get_if<Type>(&node.value)) return *held;
  fail_type(node, expected);
}

/// Builds the tree from nlohmann's events.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(Document& document, std::size_t text_size) : document_(document), text_size_(text_size) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (std::in_range<std::int64_t>(value)) return add(static_cast<std::int64_t>(value));
    return add(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return false; }

  bool start_array(std::size_t /*size*/) override { return open(Node::Array{}); }
  bool end_array() override {
    open_.pop_back();
    return true;
  }

  bool start_object(std::size_t /*size*/) override { return open(Node::Object{}); }
  bool key(string_t& value) override {
    key_ = std::move(value);
    return true;
  }
  bool end_object() override {
    sort(std::get<Node::Object>(open_.back()->value).members);
    open_.pop_back();
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOverflow = 406;
    if (position > text_size_) fail_at(document_.origin, {}, "not valid JSON: it ends too early");
    const auto where = " at byte " + std::to_string(position);
    fail_at(document_.origin, {},
            (error.id == kNumberOverflow ? "a number too large" : "not valid JSON") + where);
  }

 private:
  template <class Value>
  bool add(Value&& value) {
    auto node = std::make_unique<Node>();
    node->value = std::forward<Value>(value);
    node->origin = &document_.origin;
    last_ = node.get();
    if (open_.empty()) {
      document_.root = std::move(node);
      return true;
    }
    Node& parent = *open_.back();
    node->parent = &parent;
    if (auto* array = std::get_if<Node::Array>(&parent.value)) {
      node->index = array->items.size();
      array->items.push_back(std::move(node));
    } else {
      node->key = std::move(key_);
      std::get<Node::Object>(parent.value).members.push_back(std::move(node));
    }
    return true;
  }

  template <class Collection>
  bool open(Collection&& collection) {
    if (open_.size() == kMaxDepth) fail_at(document_.origin, {}, "more than 256 levels");
    add(std::forward<Collection>(collection));
    open_.push_back(last_);
    return true;
  }

  /// By key; the last of equal ones stays.
  static void sort(Node::Children& members) {
    std::stable_sort(members.begin(), members.end(),
                     [](const auto& a, const auto& b) { return a->key < b->key; });
    const auto kept = std::unique(members.rbegin(), members.rend(),
                                  [](const auto& a, const auto& b) { return a->key == b->key; });
    members.erase(members.begin(), kept.base());
  }

  Document& document_;
  std::size_t text_size_;
  std::vector<Node*> open_;
  Node* last_ = nullptr;
  std::string key_;
};

const Node* member(const Node& node, std::string_view key) {
  const auto& members = get<Node::Object>(node, "object").members;
  const auto found =
      std::lower_bound(members.begin(), members.end(), key,
                       [](const auto& candidate, auto wanted) { return candidate->key < wanted; });
  return found != members.end() && (*found)->key == key ? found->get() : nullptr;
}

}  // namespace

Json::Json(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

Json Json::parse(std::string_view text, std::string origin) {
  const auto document = std::make_shared<Document>(Document{std::move(origin), nullptr});
  if (!valid_utf8(text)) fail_at(document->origin, {}, "not valid UTF-8");
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {  // nlohmann: the end
    fail_at(document->origin, {}, "not valid JSON at byte " + std::to_string(nul + 1));
  }
  Builder builder(*document, text.size());
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return Json({document, document->root.get()});
}

Json Json::at(std::string_view key) const {
  const Node* value = member(*node_, key);
  if (value == nullptr) {
    auto path = path_of(*node_);
    path::append_key(path, key);
    fail_at(*node_->origin, path, "missing");
  }
  if (value->is_null()) fail_type(*value, "a value");
  return Json({node_, value});
}

std::optional<Json> Json::find(std::string_view key) const {
  const Node* value = member(*node_, key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return Json({node_, value});
}

std::vector<Json> Json::items() const {
  std::vector<Json> items;
  for (const auto& item : get<Node::Array>(*node_, "array").items) {
    items.push_back(Json({node_, item.get()}));
  }
  return items;
}

std::vector<std::pair<std::string, Json>> Json::members() const {
  std::vector<std::pair<std::string, Json>> members;
  for (const auto& value : get<Node::Object>(*node_, "object").members) {
    members.emplace_back(value->key, Json({node_, value.get()}));
  }
  return members;
}

bool Json::is_string() const { return std::holds_alternative<std::string>(node_->value); }
bool Json::is_number() const {
  return std::holds_alternative<std::int64_t>(node_->value) ||
         std::holds_alternative<double>(node_->value);
}
bool Json::is_array() const { return std::holds_alternative<Node::Array>(node_->value); }
bool Json::is_object() const { return std::holds_alternative<Node::Object>(node_->value); }

std::string Json::string() const { return get<std::string>(*node_, "string"); }
bool Json::boolean() const { return get<bool>(*node_, "boolean"); }

double Json::number() const {
  if (const auto* integer = std::get_if<std::int64_t>(&node_->value)) {
    return static_cast<double>(*integer);
  }
  return get<double>(*node_, "number");
}

std::int64_t Json::integer() const {
  constexpr double kLimit = 0x1p63;
  if (const auto* integer = std::get_if<std::int64_t>(&node_->value)) return *integer;
  const double number = get<double>(*node_, "integer");
  if (number != std::trunc(number)) fail("expected integer, got fraction");
  if (number < -kLimit || number >= kLimit) fail("expected integer of 64 bits, got a larger one");
  return static_cast<std::int64_t>(number);
}

std::chrono::sys_time<std::chrono::microseconds> Json::time() const {
  if (const auto time = parse_rfc3339(get<std::string>(*node_, "time"))) return *time;
  fail("expected time (RFC 3339), got another string");
}

void Json::fail(std::string_view why) const { fail_at(*node_->origin, path_of(*node_), why); }

}  // namespace exporter
