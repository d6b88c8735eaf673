#include "common/config/json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <variant>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/path.h"

namespace exporter {

namespace json_tree {

/// The position of a string in Document::text.
struct Text {
  std::uint32_t at = 0, size = 0;
};
struct Array {};
/// The position of an object's members in Document::members.
struct Object {
  std::uint32_t first = 0, count = 0;
};

/// A value. The contents of an array or an object follow it, so that a value costs 32 bytes and no
/// allocation of its own.
struct Node {
  std::variant<std::nullptr_t, bool, std::int64_t, double, Text, Array, Object> value;
  std::uint32_t parent;  // of the root: itself
  std::uint32_t end;     // the next node that is not within this one
  Text key;              // in an object; in an array `at` is its index
};
static_assert(sizeof(Node) == 32);

struct Document {
  std::string origin;
  std::string text;        // all strings and keys, one after the other
  std::deque<Node> nodes;  // in the order of the text
  std::vector<std::uint32_t> members;

  std::string_view at(Text place) const {
    return std::string_view(text).substr(place.at, place.size);
  }
  std::span<const std::uint32_t> at(Object object) const {
    return std::span(members).subspan(object.first, object.count);
  }
  std::string_view key_of(std::uint32_t node) const { return at(nodes[node].key); }
};

}  // namespace json_tree

namespace {

using json_tree::Array;
using json_tree::Document;
using json_tree::Object;
using json_tree::Text;

constexpr std::size_t kMaxDepth = 256;
constexpr std::size_t kMaxBytes = std::numeric_limits<std::uint32_t>::max();

std::string path_of(const Document& document, std::uint32_t node) {
  const auto parent = document.nodes[node].parent;
  if (parent == node) return {};
  std::string path = path_of(document, parent);
  if (std::holds_alternative<Object>(document.nodes[parent].value)) {
    path::append_key(path, document.key_of(node));
  } else {
    path::append_index(path, document.nodes[node].key.at);
  }
  return path;
}

[[noreturn]] void fail_at(std::string_view origin, std::string_view path, std::string_view why) {
  std::string text(origin);
  if (!path.empty()) text.append(": ").append(path);
  throw Error(Reason::decode, text.append(": ").append(why));
}

[[noreturn]] void fail_type(const Document& document, std::uint32_t node,
                            std::string_view expected) {
  constexpr std::array<std::string_view, 7> kKinds = {"null",   "boolean", "number", "number",
                                                      "string", "array",   "object"};
  fail_at(document.origin, path_of(document, node),
          "expected " + std::string(expected) + ", got " +
              std::string(kKinds[document.nodes[node].value.index()]));
}

template <class Type>
const Type& get(const Document& document, std::uint32_t node, std::string_view expected) {
  if (const auto* held = std::get_if<Type>(&document.nodes[node].value)) return *held;
  fail_type(document, node, expected);
}

/// Builds the tree from nlohmann's events.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(Document& document, std::size_t text_size, std::size_t max_values)
      : document_(document), text_size_(text_size), max_values_(max_values) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override {
    if (std::in_range<std::int64_t>(value)) return add(static_cast<std::int64_t>(value));
    return add(static_cast<double>(value));
  }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(keep(value)); }
  bool binary(binary_t& /*value*/) override { return false; }

  bool start_array(std::size_t /*size*/) override { return open(Array{}); }
  bool end_array() override { return close(); }

  bool start_object(std::size_t /*size*/) override { return open(Object{}); }
  bool key(string_t& value) override {
    key_ = keep(value);
    return true;
  }
  bool end_object() override {
    const auto object = open_.back().node;
    close();
    document_.nodes[object].value = sort_members(object);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOverflow = 406;
    if (position > text_size_) fail_at(document_.origin, {}, "not valid JSON: unexpected end");
    const auto where = " at byte " + std::to_string(position);
    fail_at(
        document_.origin, {},
        (error.id == kNumberOverflow ? "a number that is too large" : "not valid JSON") + where);
  }

 private:
  struct Open {
    std::uint32_t node, items = 0;  ///< `items`: of an array, so far
  };

  std::uint32_t size() const { return static_cast<std::uint32_t>(document_.nodes.size()); }

  /// The document's strings never need more room than its text.
  Text keep(std::string_view text) {
    const auto at = document_.text.size();
    document_.text += text;
    return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(text.size())};
  }

  template <class Value>
  bool add(Value value) {
    if (size() == max_values_) {
      fail_at(document_.origin, {}, "more than " + std::to_string(max_values_) + " values");
    }
    const auto parent = open_.empty() ? 0 : open_.back().node;
    if (!open_.empty() && std::holds_alternative<Array>(document_.nodes[parent].value)) {
      key_.at = open_.back().items++;
    }
    document_.nodes.push_back({value, parent, size() + 1, std::exchange(key_, {})});
    return true;
  }

  template <class Collection>
  bool open(Collection collection) {
    if (open_.size() == kMaxDepth) fail_at(document_.origin, {}, "more than 256 levels");
    add(collection);
    open_.push_back({size() - 1});
    return true;
  }

  bool close() {
    document_.nodes[open_.back().node].end = size();
    open_.pop_back();
    return true;
  }

  /// Sorted by key; of equal keys the last one is kept.
  Object sort_members(std::uint32_t object) {
    auto& members = document_.members;
    const auto first = members.size();
    for (auto at = object + 1; at != size(); at = document_.nodes[at].end) members.push_back(at);
    const auto key = [this](std::uint32_t node) { return document_.key_of(node); };
    const auto begin = members.begin() + static_cast<std::ptrdiff_t>(first);
    std::stable_sort(begin, members.end(), [&](auto a, auto b) { return key(a) < key(b); });
    const auto kept = std::unique(members.rbegin(), std::reverse_iterator(begin),
                                  [&](auto a, auto b) { return key(a) == key(b); });
    members.erase(begin, kept.base());
    return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(members.size() - first)};
  }

  Document& document_;
  std::size_t text_size_, max_values_;
  std::vector<Open> open_;
  Text key_;
};

/// Nothing when there is no such member.
std::optional<std::uint32_t> member(const Document& document, std::uint32_t node,
                                    std::string_view key) {
  const auto members = document.at(get<Object>(document, node, "object"));
  const auto key_of = [&](std::uint32_t member) { return document.key_of(member); };
  const auto found = std::ranges::lower_bound(members, key, {}, key_of);
  if (found == members.end() || key_of(*found) != key) return std::nullopt;
  return *found;
}

bool holds_null(const Document& document, std::uint32_t node) {
  return std::holds_alternative<std::nullptr_t>(document.nodes[node].value);
}

}  // namespace

Json::Json(std::shared_ptr<const Document> document, std::uint32_t node)
    : document_(std::move(document)), node_(node) {}

Json Json::parse(std::string_view text, std::string origin, std::size_t max_values) {
  const auto document = std::make_shared<Document>();
  document->origin = std::move(origin);
  if (text.size() > kMaxBytes) fail_at(document->origin, {}, "larger than 4 GiB");
  if (!valid_utf8(text)) fail_at(document->origin, {}, "not valid UTF-8");
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {  // nlohmann: the end
    fail_at(document->origin, {}, "not valid JSON at byte " + std::to_string(nul + 1));
  }
  document->text.reserve(text.size());
  Builder builder(*document, text.size(), std::min(max_values, kMaxBytes));
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return {document, 0};
}

Json Json::at(std::string_view key) const {
  const auto value = member(*document_, node_, key);
  if (!value) {
    auto path = path_of(*document_, node_);
    path::append_key(path, key);
    fail_at(document_->origin, path, "missing");
  }
  if (holds_null(*document_, *value)) fail_type(*document_, *value, "a value");
  return {document_, *value};
}

std::optional<Json> Json::find(std::string_view key) const {
  const auto value = member(*document_, node_, key);
  if (!value || holds_null(*document_, *value)) return std::nullopt;
  return Json(document_, *value);
}

std::vector<Json> Json::items() const {
  get<Array>(*document_, node_, "array");
  std::vector<Json> items;
  const auto& nodes = document_->nodes;
  for (auto at = node_ + 1; at != nodes[node_].end; at = nodes[at].end) {
    items.push_back({document_, at});
  }
  return items;
}

std::vector<std::pair<std::string, Json>> Json::members() const {
  std::vector<std::pair<std::string, Json>> members;
  for (const auto node : document_->at(get<Object>(*document_, node_, "object"))) {
    members.emplace_back(document_->key_of(node), Json(document_, node));
  }
  return members;
}

template <class Type>
bool Json::is() const {
  return std::holds_alternative<Type>(document_->nodes[node_].value);
}
bool Json::is_null() const { return is<std::nullptr_t>(); }
bool Json::is_string() const { return is<Text>(); }
bool Json::is_number() const { return is<std::int64_t>() || is<double>(); }
bool Json::is_array() const { return is<Array>(); }
bool Json::is_object() const { return is<Object>(); }

std::string Json::string() const {
  return std::string(document_->at(get<Text>(*document_, node_, "string")));
}
bool Json::boolean() const { return get<bool>(*document_, node_, "boolean"); }

double Json::number() const {
  if (is<std::int64_t>()) return static_cast<double>(integer());
  return get<double>(*document_, node_, "number");
}

std::int64_t Json::integer() const {
  constexpr double kLimit = 0x1p63;
  if (is<std::int64_t>()) return get<std::int64_t>(*document_, node_, "integer");
  const double number = get<double>(*document_, node_, "integer");
  if (number != std::trunc(number)) fail("expected integer, got fraction");
  if (number < -kLimit || number >= kLimit) fail("expected integer of 64 bits, got a larger one");
  return static_cast<std::int64_t>(number);
}

std::chrono::sys_time<std::chrono::microseconds> Json::time() const {
  if (const auto time = parse_rfc3339(document_->at(get<Text>(*document_, node_, "time"))))
    return *time;
  fail("expected time (RFC 3339), got another string");
}

void Json::fail(std::string_view why) const {
  fail_at(document_->origin, path_of(*document_, node_), why);
}

}  // namespace exporter
