#include "common/config/yaml.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/path.h"
#include "common/config/yaml_tree.h"

namespace exporter {

namespace {

using yaml_tree::Node;
using Kind = Node::Kind;

/// For the writer of a FIFO, which may have to fetch a secret first.
constexpr auto kPatience = std::chrono::seconds(30);

std::string read_file(const std::string& path) {
  try {
    return read_file_within(path, yaml_tree::kMaxBytes, kPatience);
  } catch (const Error& error) {
    throw Error(Reason::config, error.what());
  }
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::null: return "null";
    case Kind::scalar: return "a string";
    case Kind::sequence: return "a sequence";
    case Kind::map: return "a map";
  }
  return "null";
}

[[noreturn]] void fail_at(const Node& node, std::string_view why) {
  yaml_tree::fail(*node.document, node.offset, yaml_tree::path_of(node), why);
}

/// Like fail_at, for the value of `key` in the map `node`, present or missing.
[[noreturn]] void fail_key(const Node& node, std::size_t offset, std::string_view key,
                           std::string_view why) {
  auto path = yaml_tree::path_of(node);
  path::append_key(path, key);
  yaml_tree::fail(*node.document, offset, path, why);
}

void expect(const Node& node, Kind kind) {
  if (node.kind == kind) return;
  fail_at(node,
          "expected " + std::string(name_of(kind)) + ", got " + std::string(name_of(node.kind)));
}

[[noreturn]] void fail_scalar(const Node& node, std::string_view expected) {
  std::string why = "expected " + std::string(expected);
  if (node.kind != Kind::scalar) {
    why.append(", got ").append(name_of(node.kind));
  } else if (node.quotable) {
    why.append(", got ").append(path::quoted(node.text)).append(node.plain ? "" : " in quotes");
  }
  fail_at(node, why);
}

/// The value at `key`, null or not; marks the key as known.
const Node* look_up(const Node& map, std::string_view key) {
  expect(map, Kind::map);
  if (std::find(map.asked.begin(), map.asked.end(), key) == map.asked.end()) {
    map.asked.emplace_back(key);
  }
  const auto found = std::find_if(map.children.rbegin(), map.children.rend(),
                                  [&](const auto& child) { return child->key == key; });
  if (found == map.children.rend()) return nullptr;
  (*found)->known = true;
  return found->get();
}

constexpr std::string_view kMissing = "missing";

/// Why there is no value; suggests the unknown key that is most likely a misspelling.
std::string missing(const Node& map, std::string_view key) {
  std::vector<std::string_view> candidates;
  for (const auto& child : map.children) {
    if (!child->known) candidates.push_back(child->key);
  }
  const auto slip = nearest(key, candidates);
  if (slip.empty()) return std::string(kMissing);
  return std::string(kMissing).append("; there is ").append(path::quoted(slip));
}

[[noreturn]] void fail_unknown(const Node& node) {
  const auto& asked = node.parent->asked;
  const std::vector<std::string_view> candidates(asked.begin(), asked.end());
  const auto suggestion = nearest(node.key, candidates);
  std::string why = "unknown key";
  if (!suggestion.empty())
    why.append(", did you mean ").append(path::quoted(suggestion)).append("?");
  yaml_tree::fail(*node.document, node.key_offset, yaml_tree::path_of(node), why);
}

void check_known(const Node& node) {
  for (const auto& child : node.children) {
    if (node.kind == Kind::map && !child->known) fail_unknown(*child);
    check_known(*child);
  }
}

/// The text of a number without the "+" that YAML allows.
std::string_view unsigned_text(std::string_view text) {
  return text.starts_with('+') && !text.starts_with("+-") ? text.substr(1) : text;
}

}  // namespace

Yaml::Yaml(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

Yaml Yaml::load_file(const std::string& path) {
  const auto document =
      yaml_tree::parse(read_file(path), path, std::filesystem::path(path).parent_path().string());
  return Yaml({document, document->root.get()});
}

Yaml Yaml::load_foreign_file(const std::string& path) {
  const auto document =
      yaml_tree::parse(read_file(path), path, std::filesystem::path(path).parent_path().string(),
                       yaml_tree::Strictness::foreign);
  return Yaml({document, document->root.get()});
}

Yaml Yaml::parse(std::string_view text, std::string origin) {
  const auto document = yaml_tree::parse(text, std::move(origin), {});
  return Yaml({document, document->root.get()});
}

Yaml Yaml::from_flags(const std::vector<FlagValue>& flags) {
  auto document = std::make_shared<yaml_tree::Document>();
  document->origin = "command line";
  document->root = std::make_unique<Node>();
  document->root->kind = Kind::map;
  document->root->document = document.get();
  for (const auto& flag : flags) {
    document->flags[flag.key] = flag.origin;
    if (flag.text.empty()) continue;
    auto& value = document->root->children.emplace_back(std::make_unique<Node>());
    value->kind = Kind::scalar;
    value->document = document.get();
    value->parent = document->root.get();
    value->key = flag.key;
    value->text = flag.text;
    value->plain = true;
  }
  return Yaml({document, document->root.get()});
}

bool Yaml::is_map() const { return node_->kind == Kind::map; }
bool Yaml::is_sequence() const { return node_->kind == Kind::sequence; }
bool Yaml::is_empty() const { return node_->kind != Kind::scalar && node_->children.empty(); }

Yaml Yaml::required(std::string_view key) const {
  const Node* value = look_up(*node_, key);
  if (value == nullptr) fail_key(*node_, node_->offset, key, missing(*node_, key));
  if (value->kind == Kind::null) fail_at(*value, "no value");
  return Yaml({node_, value});
}

std::optional<Yaml> Yaml::optional(std::string_view key) const {
  const Node* value = look_up(*node_, key);
  if (value == nullptr || value->kind == Kind::null) return std::nullopt;
  return Yaml({node_, value});
}

void Yaml::expect_keys(std::span<const std::string_view> keys) const {
  for (const auto key : keys) look_up(*node_, key);
  for (const auto& child : node_->children) {
    if (!child->known) fail_unknown(*child);
  }
}

std::vector<Yaml> Yaml::items() const {
  expect(*node_, Kind::sequence);
  std::vector<Yaml> items;
  items.reserve(node_->children.size());
  for (const auto& child : node_->children) items.push_back(Yaml({node_, child.get()}));
  return items;
}

std::vector<std::pair<std::string, Yaml>> Yaml::entries() const {
  expect(*node_, Kind::map);
  std::vector<std::pair<std::string, Yaml>> entries;
  entries.reserve(node_->children.size());
  for (const auto& child : node_->children) {
    child->known = true;
    entries.emplace_back(child->key, Yaml({node_, child.get()}));
  }
  return entries;
}

std::string Yaml::tag() const { return node_->tag; }

std::string Yaml::string() const {
  expect(*node_, Kind::scalar);
  return node_->text;
}

double Yaml::number() const {
  const auto value = parse_number<double>(unsigned_text(node_->text));
  if (!node_->plain || !value || !std::isfinite(*value)) fail_scalar(*node_, "a number");
  return *value;
}

std::int64_t Yaml::integer() const {
  const auto value = parse_number<std::int64_t>(unsigned_text(node_->text));
  if (!node_->plain || !value) fail_scalar(*node_, "an integer");
  return *value;
}

bool Yaml::boolean() const {
  const bool is_true = node_->text == "true";
  if (!node_->plain || (!is_true && node_->text != "false")) fail_scalar(*node_, "true or false");
  return is_true;
}

std::chrono::milliseconds Yaml::duration() const {
  const auto value = parse_duration(node_->text);
  if (!value) fail_scalar(*node_, "a duration such as 30s or 1h30m");
  return *value;
}

SecretSource Yaml::secret(std::string_view key) const {
  if (auto source = optional_secret(key)) return std::move(*source);
  const std::string name(key);
  const std::string ways[] = {name, name + "_file", name + "_env"};
  for (const auto& way : ways) {
    // If flags replace the keys, either one is sufficient.
    const bool is_flag = node_->document->flags.contains(way);
    const auto why = missing(*node_, way);
    if (is_flag || why != kMissing) fail_key(*node_, node_->offset, way, why);
  }
  fail_key(*node_, node_->offset, key, "missing: give it, " + ways[1] + " or " + ways[2]);
}

std::optional<SecretSource> Yaml::optional_secret(std::string_view key) const {
  const std::string name(key);
  const Node* given = nullptr;
  for (const auto& candidate : {name, name + "_file", name + "_env"}) {
    const Node* value = look_up(*node_, candidate);
    if (value == nullptr) continue;
    value->quotable = false;
    if (given != nullptr) {
      yaml_tree::fail(
          *value->document, value->key_offset, yaml_tree::path_of(*value),
          "only one of " + name + ", " + name + "_file and " + name + "_env may be given");
    }
    given = value;
  }
  if (given == nullptr) return std::nullopt;
  if (given->kind == Kind::null || (given->kind == Kind::scalar && given->text.empty())) {
    fail_at(*given, "no value");
  }
  expect(*given, Kind::scalar);
  if (given->key == name) return SecretSource::literal(Secret(given->text));
  if (given->text.find('\n') != std::string::npos) {
    fail_at(*given, "more than one line: a secret itself belongs to " + path::quoted(name));
  }
  if (given->key.ends_with("_env")) return SecretSource::env(given->text);
  return SecretSource::file((std::filesystem::path(directory()) / given->text).string());
}

void Yaml::finish() const { check_known(*node_); }

std::string Yaml::directory() const { return node_->document->directory; }

std::string Yaml::where() const {
  return yaml_tree::where(*node_->document, node_->offset, yaml_tree::path_of(*node_));
}

void Yaml::fail(std::string_view why) const { fail_at(*node_, why); }

}  // namespace exporter
