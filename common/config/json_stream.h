#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/json.h"

namespace exporter {

/// What to extract from a large document: each value at `path` ("metadata", "nodes.*"; `*` matches
/// any member or item), and of it only the values at `keys` ("name", "config.severity", "tags.*");
/// without keys, the whole value. No path may lie within another.
struct JsonRecord {
  std::string_view path;
  std::span<const std::string_view> keys = {};
};

/// Reads one JSON document in pieces, as they arrive, and hands over its records one at a time.
/// Holds one record, whatever the size of the document. Everything else is skipped and only checked
/// for correct nesting; the values along a path must be objects, arrays or null. Failures are
/// Error{decode} that start with the origin.
class JsonStream {
 public:
  static constexpr std::size_t kMaxRecord = 16u << 20;       ///< of the kept part of a record
  static constexpr std::size_t kMaxRecordValues = 1u << 20;  ///< 32 MiB of memory

  /// A record of the document. Valid until the taker returns.
  class Record {
   public:
    std::size_t index() const { return index_; }  ///< in the list given
    /// The last part of its path: the member's name, empty for an item.
    const std::string& name() const { return name_; }
    /// Its value, whose errors have the full path. Throws Error{decode} if it is too large, or
    /// invalid JSON that leaves the rest of the document readable: NaN and Infinity, a number out
    /// of range, a lone surrogate, invalid UTF-8. If the taker catches it, the next record follows.
    Json read() const;

   private:
    friend class JsonStream;
    Record() = default;

    std::size_t index_ = 0;
    std::string name_;
    std::string where_;  // the origin and the path
    std::string text_;   // the part of it that is kept
    std::string fault_;  // why it cannot be read, if that is known already
  };
  using Take = std::function<void(const Record& record)>;

  JsonStream(std::span<const JsonRecord> records, std::string origin, Take take);
  ~JsonStream();

  /// Parses the next piece. Throws Error{decode} and what the taker throws; must not be called
  /// after that.
  void feed(std::string_view piece);
  /// Throws Error{decode} if the document is incomplete.
  void finish() const;

 private:
  struct Step;
  enum class State : std::uint8_t {
    value,       // must follow
    first_item,  // a value, or the end of the array
    first_key,   // a key, or the end of the object
    key,         // must follow
    in_key,
    colon,  // must follow
    in_string,
    in_scalar,    // a number, true, false, null
    after_value,  // a comma, or the end of the array or object
    end,
  };
  struct Level {
    bool is_object;
    const Step* step;   // null: passed over
    std::size_t path;   // how much of path_ leads here
    std::size_t items;  // so far
  };

  void read_token(const char*& at, const char* end);
  void read_value(const char*& at);
  void read_key_or_end(const char*& at);
  void read_after_value(const char*& at);
  bool read_string(const char*& at, const char* end, std::string* kept);
  bool pass_string(const char*& at, const char* end);
  void read_scalar(const char*& at, const char* end);
  void open(bool is_object);
  void close(bool is_object);
  void expect_item();
  void expect_value_of_key();
  void expect_value_of(const std::string& name, std::string fault);
  void expect_leaf() const;
  void begin_value();
  void end_value();
  bool is_kept() const;
  void keep(std::string_view text);
  void check_size();
  [[noreturn]] void fail(std::string_view why) const;

  std::string origin_;
  Take take_;
  std::unique_ptr<Step> root_;
  State state_ = State::value;
  bool escaped_ = false;   // the last character of a string was a backslash
  std::size_t bytes_ = 0;  // read, for errors
  std::vector<Level> levels_;
  const Step* step_;  // of the current or next value; null: skipped
  std::string key_;   // as it stands between its quotes
  std::string path_;  // of the value, until a record begins
  Record record_;     // the one that is read or may be next
  bool recording_ = false;
  std::size_t record_level_ = 0;  // the number of levels around it
};

}  // namespace exporter
