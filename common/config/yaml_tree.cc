#include "common/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <istream>
#include <optional>
#include <streambuf>
#include <unordered_map>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/config/path.h"

namespace exporter::yaml_tree {

namespace {

using Kind = Node::Kind;

constexpr std::size_t kMaxDepth = 64;
/// For all values together; aliases count at each use.
constexpr std::size_t kMaxWeight = 32 << 20;
constexpr std::size_t kNodeWeight = 64;
/// How far yaml-cpp may read beyond the last value: it buffers about 250 bytes for each value of a
/// flow collection.
constexpr std::size_t kMaxLookahead = 1 << 20;

/// The text with an end-of-document marker, without which yaml-cpp accepts the end of the text as
/// the end of a quoted scalar. It ends early, cut(), if yaml-cpp reads too far ahead.
class Source : public std::streambuf {
 public:
  Source(std::string_view text, const std::size_t& reached)
      : text_(std::string(text) + (text.ends_with('\n') ? "...\n" : "\n...\n")),
        reached_(reached) {}

  bool cut() const { return cut_; }

 protected:
  int_type underflow() override {
    const std::size_t next = static_cast<std::size_t>(gptr() - eback()) + base_;
    cut_ = cut_ || next > reached_ + kMaxLookahead;
    if (cut_ || next == text_.size()) return traits_type::eof();
    base_ = next;
    char* begin = text_.data() + next;
    setg(begin, begin, begin + std::min<std::size_t>(4096, text_.size() - next));
    return traits_type::to_int_type(*begin);
  }

 private:
  std::string text_;
  const std::size_t& reached_;
  std::size_t base_ = 0;
  bool cut_ = false;
};

/// Builds the tree from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(Document& document) : document_(document) {}

  /// The offset of the last value, for Source.
  const std::size_t& reached() const { return reached_; }
  /// The collection that is not complete yet, if any.
  const Node* innermost() const { return open_.empty() ? nullptr : open_.back().node; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (!document_.root) return;
    fail(offset_of(mark), "unexpected here: only one document is allowed");
  }
  void OnDocumentEnd() override {
    if (bare_key_) fail(*bare_key_, "a key without \":\"");
  }

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const std::size_t offset = offset_of(mark);
    if (expects_key()) fail(offset, "a key is missing");
    if (key_ && key_->offset == offset && !bare_key_) bare_key_ = offset;
    remember(anchor, add(Kind::null, offset));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const std::size_t offset = offset_of(mark);
    const bool is_foreign =
        document_.strictness == Strictness::foreign && tag.size() > 1 && tag.starts_with('!');
    if (!is_foreign) check_tag(offset, tag, "tag:yaml.org,2002:str");
    if (expects_key()) return take_key(offset, value, tag == "?");
    auto& node = add_scalar(offset, value, tag == "?");
    if (is_foreign) node.tag = tag;
    remember(anchor, node);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const std::size_t offset = offset_of(mark);
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(offset, "an alias of a key is not supported");
    const Node& target = *found->second;
    const auto is_target = [&](const Open& open) { return open.node == &target; };
    if (std::any_of(open_.begin(), open_.end(), is_target)) {
      fail(offset, "an alias within its own value");
    }
    if (!expects_key()) return replay(target);
    if (target.kind != Kind::scalar) fail(offset, "a key must be a string");
    take_key(offset, target.text, target.plain);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(offset_of(mark), tag, "tag:yaml.org,2002:seq");
    remember(anchor, open(Kind::sequence, offset_of(mark)));
  }
  void OnSequenceEnd() override { open_.pop_back(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(offset_of(mark), tag, "tag:yaml.org,2002:map");
    remember(anchor, open(Kind::map, offset_of(mark)));
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Open {
    Node* node;
    std::unordered_map<std::string_view, const Node*> keys;
  };
  struct Key {
    std::string text;
    std::size_t offset;
  };

  [[noreturn]] void fail(std::size_t offset, std::string_view why) const {
    yaml_tree::fail(document_, offset, {}, why);
  }

  std::size_t offset_of(const YAML::Mark& mark) {
    const auto offset = static_cast<std::size_t>(std::max(mark.pos, 0));
    reached_ = std::max(reached_, offset);
    return offset;
  }

  void check_tag(std::size_t offset, std::string_view tag, std::string_view allowed) const {
    if (tag != "?" && tag != "!" && tag != allowed) fail(offset, "tags are not supported");
  }

  bool expects_key() const {
    return !open_.empty() && open_.back().node->kind == Kind::map && !key_;
  }

  void remember(YAML::anchor_t anchor, const Node& node) {
    if (anchor == YAML::NullAnchor) return;
    anchors_[anchor] = &node;
    node.quotable = false;
  }

  void take_key(std::size_t offset, const std::string& text, bool plain) {
    charge(text.size());
    if (plain && text == "<<") fail(offset, "merge keys (<<) are not supported");
    const Open& map = open_.back();
    const auto first = map.keys.find(text);
    if (first != map.keys.end() && document_.strictness == Strictness::own) {
      yaml_tree::fail(document_, offset, path_of(*first->second),
                      "duplicate key, first at " + position(document_, first->second->key_offset));
    }
    key_ = Key{text, offset};
  }

  Node& add(Kind kind, std::size_t offset) {
    charge(kNodeWeight);
    auto node = std::make_unique<Node>();
    Node& added = *node;
    added.kind = kind;
    added.document = &document_;
    added.offset = offset;
    if (open_.empty()) {
      document_.root = std::move(node);
      return added;
    }
    auto& [parent, keys] = open_.back();
    added.parent = parent;
    added.index = parent->children.size();
    if (kind == Kind::null) added.offset = parent->offset;
    if (key_) {
      added.key = std::move(key_->text);
      added.key_offset = key_->offset;
      if (kind == Kind::null) added.offset = key_->offset;
      key_.reset();
      keys.emplace(added.key, &added);
    }
    parent->children.push_back(std::move(node));
    return added;
  }

  Node& open(Kind kind, std::size_t offset) {
    if (expects_key()) fail(offset, "a key must be a string; is a bracket not closed?");
    if (open_.size() == kMaxDepth) fail(reached_, "more than 64 levels");
    Node& node = add(kind, offset);
    open_.push_back({&node, {}});
    return node;
  }

  Node& add_scalar(std::size_t offset, const std::string& text, bool plain) {
    charge(text.size());
    Node& node = add(Kind::scalar, offset);
    node.text = text;
    node.plain = plain;
    return node;
  }

  /// Adds a copy of the node, as if its text were repeated here.
  void replay(const Node& node) {
    if (node.kind == Kind::null) {
      add(Kind::null, node.offset);
    } else if (node.kind == Kind::scalar) {
      auto& copy = add_scalar(node.offset, node.text, node.plain);
      copy.quotable = false;
      copy.tag = node.tag;
    } else {
      open(node.kind, node.offset);
      for (const auto& child : node.children) {
        if (node.kind == Kind::map) take_key(child->key_offset, child->key, false);
        replay(*child);
      }
      open_.pop_back();
    }
  }

  void charge(std::size_t bytes) {
    weight_ += bytes;
    if (weight_ > kMaxWeight) fail(reached_, "too many values, or aliases that expand too far");
  }

  Document& document_;
  std::vector<Open> open_;
  std::optional<Key> key_;
  std::optional<std::size_t> bare_key_;  // or an unclosed bracket, which yaml-cpp reports later
  std::unordered_map<YAML::anchor_t, const Node*> anchors_;
  std::size_t reached_ = 0;
  std::size_t weight_ = 0;
};

/// yaml-cpp's own messages may quote the document.
std::string_view translate(std::string_view message) {
  namespace theirs = YAML::ErrorMsg;
  static const std::array<std::pair<std::string_view, std::string_view>, 15> kTexts = {{
      {theirs::TAB_IN_INDENTATION, "a tab in the indentation"},
      {theirs::END_OF_MAP_FLOW, "expected \",\" or \"}\""},
      {theirs::END_OF_SEQ_FLOW, "expected \",\" or \"]\""},
      {theirs::END_OF_MAP, "does not fit the map before it: check the indentation"},
      {theirs::END_OF_SEQ, "does not fit the sequence before it: check the indentation"},
      {theirs::MAP_VALUE, "unexpected \":\""},
      {theirs::MAP_KEY, "unexpected \"?\""},
      {theirs::BLOCK_ENTRY, "unexpected \"-\""},
      {theirs::FLOW_END, "unexpected closing bracket"},
      {theirs::UNKNOWN_TOKEN, "unexpected character: text that begins with it needs quotes"},
      {theirs::UNKNOWN_ANCHOR, "an alias without its anchor"},
      {theirs::INVALID_ESCAPE, "an unknown escape sequence"},
      {theirs::INVALID_HEX, "an unknown escape sequence"},
      {theirs::INVALID_UNICODE, "an unknown escape sequence"},
      {theirs::CHAR_IN_BLOCK, "unexpected text after \"|\" or \">\""},
  }};
  for (const auto& [begin, text] : kTexts) {
    if (message.starts_with(begin)) return text;
  }
  return "not valid YAML";
}

bool has_tab_indentation(std::string_view text, std::size_t offset) {
  const auto start = text.substr(0, offset).rfind('\n') + 1;
  const auto line = text.substr(start);
  return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

[[noreturn]] void fail_parse(const Document& document, const Builder& builder,
                             const YAML::Exception& error) {
  const std::string_view message = error.msg;
  const auto offset =
      error.mark.is_null() ? builder.reached() : static_cast<std::size_t>(error.mark.pos);
  if (message == YAML::ErrorMsg::DOC_IN_SCALAR) {
    fail(document, builder.reached(), {}, "a quote that is opened here or later is not closed");
  }
  const bool in_flow =
      message == YAML::ErrorMsg::END_OF_MAP_FLOW || message == YAML::ErrorMsg::END_OF_SEQ_FLOW;
  if (in_flow && offset >= document.text.size()) {
    const std::size_t bracket = builder.innermost() ? builder.innermost()->offset : 0;
    fail(document, bracket, {}, "a bracket that is not closed");
  }
  if (has_tab_indentation(document.text, offset)) {
    fail(document, offset, {}, "a tab in the indentation");
  }
  fail(document, offset, {}, translate(message));
}

/// Errors that yaml-cpp does not detect, or ignores.
void check_characters(const Document& document) {
  std::string_view rest = document.text;
  const auto fail_at = [&](std::string_view line, std::size_t column, std::string_view why) {
    fail(document, static_cast<std::size_t>(line.data() - document.text.data()) + column, {}, why);
  };
  while (!rest.empty()) {
    auto line = next_part(rest, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!valid_utf8(line)) fail_at(line, 0, "the line is not valid UTF-8");
    if (line.starts_with('%')) fail_at(line, 0, "directives (%) are not supported");
    const auto control = std::find_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
    });
    if (control != line.end()) {
      fail_at(line, static_cast<std::size_t>(control - line.begin()), "a control character");
    }
  }
}

void build(Document& document) {
  Builder builder(document);
  Source source(document.text, builder.reached());
  std::istream in(&source);
  const auto check_cut = [&] {
    if (source.cut()) fail(document, builder.reached(), {}, "a value here is longer than 1 MiB");
  };
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    check_cut();
    fail_parse(document, builder, error);
  } catch (const Error&) {
    check_cut();
    throw;
  }
  check_cut();
}

}  // namespace

std::shared_ptr<const Document> parse(std::string_view text, std::string origin,
                                      std::string directory, Strictness strictness) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.size() > kMaxBytes) throw Error(Reason::config, origin + ": larger than 16 MiB");
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  auto document = std::make_shared<Document>();
  document->origin = std::move(origin);
  document->directory = std::move(directory);
  document->text = text;
  check_characters(*document);
  document->strictness = strictness;
  build(*document);
  if (document->root->kind == Kind::null) document->root->kind = Kind::map;
  return document;
}

std::string position(const Document& document, std::size_t offset) {
  const auto before = std::string_view(document.text).substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto start = before.substr(before.rfind('\n') + 1);
  const auto column =
      std::count_if(start.begin(), start.end(),
                    [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }) +
      1;
  return document.origin + ':' + std::to_string(line) + ':' + std::to_string(column);
}

std::string path_of(const Node& node) {
  if (node.parent == nullptr) return {};
  std::string path = path_of(*node.parent);
  if (node.parent->kind == Kind::map) {
    path::append_key(path, node.key);
  } else {
    path::append_index(path, node.index);
  }
  return path;
}

std::string where(const Document& document, std::size_t offset, std::string_view path) {
  if (const auto flag = document.flags.find(path); flag != document.flags.end()) {
    return flag->second;
  }
  auto text = document.flags.empty() ? position(document, offset) : document.origin;
  if (!path.empty()) text.append(": ").append(path);
  return text;
}

void fail(const Document& document, std::size_t offset, std::string_view path,
          std::string_view why) {
  throw Error(Reason::config, where(document, offset, path).append(": ").append(why));
}

}  // namespace exporter::yaml_tree
