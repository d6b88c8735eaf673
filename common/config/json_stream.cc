#include "common/config/json_stream.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "common/base/error.h"
#include "common/config/path.h"

namespace exporter {
namespace {

constexpr std::size_t kMaxLevels = 256;
constexpr std::size_t kMaxKey = 64u << 10;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Whether it may be part of a number or a word; Python also writes NaN and Infinity.
bool is_scalar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '+' || c == '.';
}

/// Shorter names first, so that most comparisons need not look at the letters.
struct BySize {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};

/// The first `c`, or the end.
const char* find(const char* at, const char* end, char c) {
  const auto* const found = std::memchr(at, c, static_cast<std::size_t>(end - at));
  return found != nullptr ? static_cast<const char*>(found) : end;
}

/// Whether a key needs no decoding: printable ASCII without escapes.
bool is_plain(std::string_view key) {
  return std::ranges::all_of(key, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
}

}  // namespace

/// A node of the tree of paths and keys that were asked for.
struct JsonStream::Step {
  std::map<std::string, std::unique_ptr<Step>, BySize> named;
  std::unique_ptr<Step> any;  // `*`
  std::optional<std::size_t> record;
  bool whole = false;  // everything below is kept

  Step& add(std::string_view path) {
    auto* step = this;
    while (!path.empty()) {
      const auto name = path.substr(0, path.find('.'));
      path.remove_prefix(std::min(path.size(), name.size() + 1));
      auto& next = name == "*" ? step->any : step->named[std::string(name)];
      if (!next) next = std::make_unique<Step>();
      step = next.get();
    }
    return *step;
  }

  const Step* below(std::string_view name) const {
    if (whole) return this;
    const auto found = named.find(name);
    return found != named.end() ? found->second.get() : any.get();
  }
};

JsonStream::JsonStream(std::span<const JsonRecord> records, std::string origin, Take take)
    : origin_(std::move(origin)),
      take_(std::move(take)),
      root_(std::make_unique<Step>()),
      step_(root_.get()) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    auto& record = root_->add(records[i].path);
    record.record = i;
    record.whole = records[i].keys.empty();
    for (const auto& key : records[i].keys) record.add(key).whole = true;
  }
}

JsonStream::~JsonStream() = default;

Json JsonStream::Record::read() const {
  if (!fault_.empty()) throw Error(Reason::decode, where_ + ": " + fault_);
  return Json::parse(text_, where_, kMaxRecordValues);
}

void JsonStream::feed(std::string_view piece) {
  const auto* at = piece.data();
  const auto* const end = at + piece.size();
  const auto before = bytes_;
  while (at != end) {
    bytes_ = before + static_cast<std::size_t>(at - piece.data());
    read_token(at, end);
  }
  bytes_ = before + piece.size();
}

void JsonStream::finish() const {
  if (state_ != State::end)
    throw Error(Reason::decode, origin_ + ": not valid JSON: unexpected end");
}

/// Reads at least one character. Blanks before a token are counted here.
void JsonStream::read_token(const char*& at, const char* end) {
  switch (state_) {
    case State::in_string:
      if (read_string(at, end, is_kept() ? &record_.text_ : nullptr)) end_value();
      return;
    case State::in_scalar: read_scalar(at, end); return;
    case State::in_key:
      if (read_string(at, end, levels_.back().step != nullptr ? &key_ : nullptr)) {
        state_ = State::colon;
      }
      if (key_.size() > kMaxKey) fail("a name longer than 64 KiB");
      return;
    default: break;
  }
  for (; is_blank(*at); ++bytes_) {
    if (++at == end) return;
  }
  switch (state_) {
    case State::colon:
      if (*at != ':') fail("not valid JSON");
      ++at;
      expect_value_of_key();
      return;
    case State::first_key:
    case State::key: read_key_or_end(at); return;
    case State::after_value: read_after_value(at); return;
    case State::end: fail("not valid JSON");
    default: read_value(at);
  }
}

void JsonStream::read_value(const char*& at) {
  const char c = *at;
  if (c == ']' && state_ == State::first_item) {
    close(false);
  } else if (c == '{' || c == '[') {
    open(c == '{');
  } else if (c == '"') {
    expect_leaf();
    begin_value();
    keep("\"");
    state_ = State::in_string;
  } else if (is_scalar(c)) {
    if (c != 'n') expect_leaf();
    begin_value();
    state_ = State::in_scalar;
    return;
  } else {
    fail("not valid JSON");
  }
  ++at;
}

void JsonStream::read_key_or_end(const char*& at) {
  if (*at == '}' && state_ == State::first_key) {
    close(true);
  } else if (*at == '"') {
    key_.clear();
    state_ = State::in_key;
  } else {
    fail("not valid JSON");
  }
  ++at;
}

void JsonStream::read_after_value(const char*& at) {
  if (*at == ',') {
    if (levels_.back().is_object) {
      state_ = State::key;
    } else {
      expect_item();
    }
  } else if (*at == '}' || *at == ']') {
    close(*at == '}');
  } else {
    fail("not valid JSON");
  }
  ++at;
}

/// Reads up to the closing quote; false if the piece ends first. Keeps the text of a value.
bool JsonStream::read_string(const char*& at, const char* end, std::string* kept) {
  const auto* const begin = at;
  const bool closed = pass_string(at, end);
  if (kept != nullptr) {
    kept->append(begin, at);
    if (closed && kept == &key_) key_.pop_back();
    check_size();
  }
  return closed;
}

bool JsonStream::pass_string(const char*& at, const char* end) {
  if (std::exchange(escaped_, false)) ++at;
  const auto* quote = find(at, end, '"');
  while ((at = find(at, quote, '\\')) != quote) {
    if (at + 1 == end) {
      escaped_ = true;
      at = end;
      return false;
    }
    at += 2;
    if (at > quote) quote = find(at, end, '"');  // that one was escaped
  }
  if (at == end) return false;
  ++at;
  return true;
}

void JsonStream::read_scalar(const char*& at, const char* end) {
  const auto* const begin = at;
  while (at != end && is_scalar(*at)) ++at;
  keep({begin, at});
  if (at != end) end_value();
}

void JsonStream::open(bool is_object) {
  if (levels_.size() == kMaxLevels) fail("more than 256 levels");
  begin_value();
  keep(is_object ? "{" : "[");
  levels_.push_back({is_object, step_, path_.size(), 0});
  if (is_object) {
    state_ = State::first_key;
  } else {
    expect_item();
    state_ = State::first_item;
  }
}

void JsonStream::close(bool is_object) {
  const auto level = levels_.back();
  if (level.is_object != is_object) fail("not valid JSON");
  levels_.pop_back();
  step_ = level.step;
  path_.resize(level.path);
  keep(is_object ? "}" : "]");
  end_value();
}

void JsonStream::expect_item() {
  auto& level = levels_.back();
  state_ = State::value;
  step_ = level.step != nullptr ? level.step->below("") : nullptr;
  if (step_ == nullptr) return;
  if (recording_) {
    if (!record_.text_.ends_with('[')) keep(",");
    return;
  }
  record_.name_.clear();
  record_.fault_.clear();
  path_.resize(level.path);
  path::append_index(path_, level.items++);
}

void JsonStream::expect_value_of_key() {
  const auto& level = levels_.back();
  state_ = State::value;
  step_ = nullptr;
  if (level.step == nullptr) return;
  if (is_plain(key_)) return expect_value_of(key_, {});
  std::string name, fault;
  try {
    name = Json::parse('"' + key_ + '"', "its name").string();
  } catch (const Error& error) {
    name = key_;  // not one that was asked for, but may have any type
    fault = error.what();
  }
  expect_value_of(name, std::move(fault));
}

void JsonStream::expect_value_of(const std::string& name, std::string fault) {
  const auto& level = levels_.back();
  step_ = level.step->below(name);
  if (step_ == nullptr) return;
  if (recording_) {
    keep(record_.text_.ends_with('{') ? "\"" : ",\"");
    keep(key_);
    keep("\":");
    return;
  }
  path_.resize(level.path);
  path::append_key(path_, name);
  record_.name_ = name;
  record_.fault_ = std::move(fault);
}

/// If a path continues, the value must be a container, or null.
void JsonStream::expect_leaf() const {
  if (recording_ || step_ == nullptr || step_->record) return;
  fail((path_.empty() ? "" : path_ + ": ") + "expected an object or an array");
}

void JsonStream::begin_value() {
  if (recording_ || step_ == nullptr || !step_->record) return;
  recording_ = true;
  record_.index_ = *step_->record;
  record_.where_ = path_.empty() ? origin_ : origin_ + ": " + path_;
  record_.text_.clear();
  record_level_ = levels_.size();
}

void JsonStream::end_value() {
  state_ = levels_.empty() ? State::end : State::after_value;
  if (!recording_ || levels_.size() != record_level_) return;
  recording_ = false;
  take_(record_);
}

/// Whether the current value is part of a record that can be read.
bool JsonStream::is_kept() const {
  return recording_ && step_ != nullptr && record_.fault_.empty();
}

void JsonStream::keep(std::string_view text) {
  if (!is_kept()) return;
  record_.text_ += text;
  check_size();
}

void JsonStream::check_size() {
  if (record_.text_.size() <= kMaxRecord) return;
  record_.fault_ = "larger than 16 MiB";
  record_.text_ = {};
}

void JsonStream::fail(std::string_view why) const {
  throw Error(Reason::decode,
              origin_ + ": " + std::string(why) + " at byte " + std::to_string(bytes_ + 1));
}

}  // namespace exporter
